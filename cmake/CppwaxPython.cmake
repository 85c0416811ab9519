# Finds the interpreter's headers and pybind11, for CppwaxDependencies. pybind11 comes from a build
# front end, from the interpreter's own packages, or from the system: in this order.

find_package(Python 3.10 QUIET COMPONENTS Interpreter OPTIONAL_COMPONENTS Development.Module)
if(NOT Python_Interpreter_FOUND OR NOT Python_Development.Module_FOUND)
  string(APPEND CPPWAX_MISSING
    "\n  Python 3.10 or newer with its headers:  apt-get install python3-dev"
    "   |  dnf install python3-devel")
endif()

set(PYBIND11_FINDPYTHON ON)
find_package(pybind11 3.0 CONFIG QUIET)
if(NOT pybind11_FOUND AND Python_Interpreter_FOUND)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
    OUTPUT_VARIABLE CPPWAX_PYBIND11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(CPPWAX_PYBIND11_DIR)
    find_package(pybind11 3.0 CONFIG QUIET PATHS ${CPPWAX_PYBIND11_DIR} NO_DEFAULT_PATH)
  endif()
endif()
if(NOT pybind11_FOUND)
  string(APPEND CPPWAX_MISSING
    "\n  pybind11 3.0 or newer:  ${Python_EXECUTABLE} -m pip install \"pybind11>=3.0\"")
endif()
