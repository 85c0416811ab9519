# Finds Asio and OpenSSL, for CppwaxDependencies. Asio comes from a given folder, from the system
# (standalone), or from the headers of Boost, of the system or of the interpreter's package
# libboost-headers: in this order. engine/transport/asio.hpp makes them one.

add_library(cppwax_asio INTERFACE)

find_path(CPPWAX_ASIO_INCLUDE_DIR asio.hpp)
if(NOT CPPWAX_ASIO_INCLUDE_DIR)
  if(Python_EXECUTABLE)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c
        "import libboost_headers as b; print(*(p + '/include' for p in b.__path__), sep=';')"
      OUTPUT_VARIABLE CPPWAX_PYTHON_BOOST OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  # Older ones lack what is used.
  find_path(CPPWAX_BOOST_INCLUDE_DIR boost/asio/awaitable.hpp HINTS ${CPPWAX_PYTHON_BOOST})
endif()

if(CPPWAX_ASIO_INCLUDE_DIR)
  target_include_directories(cppwax_asio SYSTEM INTERFACE ${CPPWAX_ASIO_INCLUDE_DIR})
  target_compile_definitions(cppwax_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
  set(CPPWAX_ASIO_PREFIX "")
elseif(CPPWAX_BOOST_INCLUDE_DIR)
  target_include_directories(cppwax_asio SYSTEM INTERFACE ${CPPWAX_BOOST_INCLUDE_DIR})
  target_compile_definitions(cppwax_asio INTERFACE
    CPPWAX_BOOST_ASIO BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY)
  set(CPPWAX_ASIO_PREFIX "BOOST_")
else()
  string(APPEND CPPWAX_MISSING
    "\n  Asio:  apt-get install libasio-dev   |  dnf install asio-devel"
    "   |  pip install \"libboost-headers>=1.88\""
    "\n      (or name the folder of asio.hpp with -DCPPWAX_ASIO_INCLUDE_DIR=FOLDER)")
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Asio 1.22 does not look for them there.
  target_compile_definitions(cppwax_asio INTERFACE
    ${CPPWAX_ASIO_PREFIX}ASIO_HAS_CO_AWAIT ${CPPWAX_ASIO_PREFIX}ASIO_HAS_STD_COROUTINE)
endif()
if(CPPWAX_SANITIZE STREQUAL "thread")
  # The thread sanitizer knows no fences, and GCC warns of each.
  target_compile_definitions(cppwax_asio INTERFACE ${CPPWAX_ASIO_PREFIX}ASIO_DISABLE_FENCED_BLOCK)
endif()

find_package(OpenSSL 3.0 QUIET)
if(OPENSSL_FOUND)
  target_link_libraries(cppwax_asio INTERFACE OpenSSL::SSL OpenSSL::Crypto)
else()
  string(APPEND CPPWAX_MISSING
    "\n  OpenSSL 3.0 or newer:  apt-get install libssl-dev   |  dnf install openssl-devel")
endif()
