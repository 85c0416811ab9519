# Finds what the build needs. Everything that is missing is named in one error with its remedy, so
# that nobody installs one package only to be told of the next.

set(CPPWAX_MISSING "")

# Only the header is used (XXH_INLINE_ALL): the module then needs no library where it runs.
find_path(CPPWAX_XXHASH_INCLUDE_DIR xxhash.h)
if(CPPWAX_XXHASH_INCLUDE_DIR)
  add_library(cppwax_xxhash INTERFACE)
  target_include_directories(cppwax_xxhash SYSTEM INTERFACE ${CPPWAX_XXHASH_INCLUDE_DIR})
  target_compile_definitions(cppwax_xxhash INTERFACE XXH_INLINE_ALL)
else()
  string(APPEND CPPWAX_MISSING
    "\n  xxHash's header xxhash.h:  apt-get install libxxhash-dev   |  dnf install xxhash-devel"
    "\n      (or name its folder with -DCPPWAX_XXHASH_INCLUDE_DIR=FOLDER)")
endif()

if(CPPWAX_STATIC_DEPENDENCIES)
  set(OPENSSL_USE_STATIC_LIBS ON)
  set(CMAKE_FIND_LIBRARY_SUFFIXES ${CMAKE_STATIC_LIBRARY_SUFFIX})
endif()

# 3.31 is the first that can distrust the schema of a file.
find_package(SQLite3 3.31 QUIET)
if(SQLite3_FOUND AND CPPWAX_STATIC_DEPENDENCIES)
  # An archive does not say what it needs itself.
  set_property(TARGET SQLite::SQLite3 APPEND PROPERTY
    INTERFACE_LINK_LIBRARIES ${CMAKE_DL_LIBS} $<$<NOT:$<PLATFORM_ID:Darwin>>:m>)
elseif(NOT SQLite3_FOUND)
  string(APPEND CPPWAX_MISSING
    "\n  SQLite 3.31 or newer:  apt-get install libsqlite3-dev   |  dnf install sqlite-devel")
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads QUIET)
if(NOT Threads_FOUND)
  string(APPEND CPPWAX_MISSING
    "\n  the threads library:  apt-get install libc6-dev   |  dnf install glibc-devel")
endif()

if(CPPWAX_PYTHON)
  include(CppwaxPython)
endif()
include(CppwaxNetwork)

if(CPPWAX_TESTS)
  find_package(GTest CONFIG QUIET)
  if(NOT TARGET GTest::gmock_main)
    string(APPEND CPPWAX_MISSING
      "\n  GoogleTest with gmock:  apt-get install libgtest-dev libgmock-dev"
      "   |  dnf install gtest-devel gmock-devel")
  endif()
endif()

if(CPPWAX_MISSING)
  message(FATAL_ERROR
    "cppwax cannot be built yet. Install these, then run the same command again:"
    "${CPPWAX_MISSING}")
endif()
