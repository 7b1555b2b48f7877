# Writes OUT, a .cc that holds every migrations/NNNN_name.sql of FOLDER: cmake -DFOLDER=… -DOUT=… -P embed_migrations.cmake
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
  endif()
  string(REGEX REPLACE "^0+" "" version ${CMAKE_MATCH_1})
  string(REGEX REPLACE "^[0-9]+_" "" short ${name})
  file(READ ${file} text)
  string(APPEND rows "    {${version}, \"${short}\", R\"sql(${text})sql\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"store/migrate.h\"

namespace paastech::store {

const std::vector<Migration>& known_migrations() {
  static const std::vector<Migration> all{
${rows}  };
  return all;
}

}  // namespace paastech::store
")
