# The target liteinit_sqlite: the amalgamation, compiled by us, with its header.
#
# The options below give what other builds of SQLite commonly have (full-text search, R-tree, the
# maths functions …), since an app's migrations may use any of it. What SQL means stays SQLite's
# default: double-quoted strings and LIKE are not touched. One thread uses it at a time.
if(LITEINIT_SQLITE_DIR)
  set(sqlite_dir "${LITEINIT_SQLITE_DIR}")
else()
  execute_process(COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/sqlite.sh
                  OUTPUT_VARIABLE sqlite_dir OUTPUT_STRIP_TRAILING_WHITESPACE
                  RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "no SQLite sources: see the message of docker/sqlite.sh above")
  endif()
endif()
foreach(name IN ITEMS sqlite3.c sqlite3.h)
  if(NOT EXISTS "${sqlite_dir}/${name}")
    message(FATAL_ERROR "LITEINIT_SQLITE_DIR: ${sqlite_dir} has no ${name}")
  endif()
endforeach()

file(STRINGS "${sqlite_dir}/sqlite3.h" line REGEX "^#define SQLITE_VERSION ")
string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" LITEINIT_SQLITE_VERSION "${line}")
file(STRINGS "${sqlite_dir}/sqlite3.h" line REGEX "^#define SQLITE_VERSION_NUMBER ")
string(REGEX MATCH "[0-9]+$" number "${line}")
message(STATUS "SQLite ${LITEINIT_SQLITE_VERSION} from ${sqlite_dir}")
if(number LESS 3051003 AND NOT LITEINIT_ALLOW_OLD_SQLITE)
  message(FATAL_ERROR
    "SQLite ${LITEINIT_SQLITE_VERSION} has the WAL-reset bug, which can corrupt a database in WAL "
    "mode; it is mended in 3.51.3. Use a newer one, or say -DLITEINIT_ALLOW_OLD_SQLITE=ON.")
endif()

if(LITEINIT_SQLITE_LIBRARY)
  add_library(liteinit_sqlite STATIC IMPORTED GLOBAL)
  set_target_properties(liteinit_sqlite PROPERTIES IMPORTED_LOCATION "${LITEINIT_SQLITE_LIBRARY}")
else()
  add_library(liteinit_sqlite STATIC "${sqlite_dir}/sqlite3.c")
  # Its own tests cover undefined behaviour; ours are to find ours, and quickly.
  target_compile_options(liteinit_sqlite PRIVATE -w -fno-sanitize=undefined)
  target_compile_definitions(liteinit_sqlite PRIVATE
    HAVE_FDATASYNC=1
    SQLITE_THREADSAFE=0
    SQLITE_DEFAULT_MEMSTATUS=0
    SQLITE_OMIT_LOAD_EXTENSION
    SQLITE_OMIT_SHARED_CACHE
    SQLITE_ENABLE_FTS3
    SQLITE_ENABLE_FTS3_PARENTHESIS
    SQLITE_ENABLE_FTS5
    SQLITE_ENABLE_RTREE
    SQLITE_ENABLE_GEOPOLY
    SQLITE_ENABLE_MATH_FUNCTIONS
    SQLITE_ENABLE_STAT4
    SQLITE_ENABLE_COLUMN_METADATA
    SQLITE_ENABLE_DBSTAT_VTAB
    SQLITE_SOUNDEX)
  # The tests' speed is SQLite's: so optimise it in debug builds too.
  target_compile_options(liteinit_sqlite PRIVATE $<$<CONFIG:Debug>:-O1>)
endif()
target_include_directories(liteinit_sqlite SYSTEM INTERFACE "${sqlite_dir}")
target_link_libraries(liteinit_sqlite INTERFACE m)
