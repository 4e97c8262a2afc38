# The Debian package: `cpack --config build/release/CPackConfig.cmake` makes drave_VERSION_ARCH.deb, for the release of Debian on which it runs.
#
# What it depends on is computed from what the programs load (dpkg-shlibdeps). The version ends in +deb12 or +deb13, so that an upgrade of Debian brings
# the package of the new release. What only the package has (the unit, the configuration) is in the component `deb`: `cmake --install` leaves it out.
set(os_release "")
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release os_release REGEX "^VERSION_ID=")
endif()
string(REGEX REPLACE "^VERSION_ID=\"?([0-9]+).*" "+deb\\1" package_suffix "${os_release}")
set(package_version ${PROJECT_VERSION}${package_suffix})

set(package_folder ${CMAKE_BINARY_DIR}/debian)
configure_file(deploy/debian/changelog.in ${package_folder}/changelog @ONLY)
add_custom_command(OUTPUT ${package_folder}/changelog.gz
  COMMAND sh -c "gzip -9nc changelog >changelog.gz" DEPENDS ${package_folder}/changelog WORKING_DIRECTORY ${package_folder} VERBATIM)
add_custom_target(changelog ALL DEPENDS ${package_folder}/changelog.gz)

install(FILES deploy/systemd/draved.service DESTINATION lib/systemd/system COMPONENT deb EXCLUDE_FROM_ALL)
install(FILES deploy/debian/draved.conf DESTINATION /etc/drave COMPONENT deb EXCLUDE_FROM_ALL)
install(FILES deploy/debian/copyright ${package_folder}/changelog.gz DESTINATION share/doc/drave COMPONENT deb EXCLUDE_FROM_ALL)
install(FILES deploy/debian/lintian-overrides DESTINATION share/lintian/overrides RENAME drave COMPONENT deb EXCLUDE_FROM_ALL)
install(FILES deploy/prometheus/drave.rules.yml DESTINATION share/drave/prometheus COMPONENT deb EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME drave)
set(CPACK_PACKAGE_CONTACT "The drave developers <developers@drave.invalid>")
set(CPACK_PACKAGE_VERSION ${package_version})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "replicated log broker that speaks the Kafka protocol")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "drave keeps logs of records, each replicated by Raft over several brokers, and
serves them to the clients of Apache Kafka. What it acknowledges is on the
disks of a majority.
.
This package has the broker (draved) as a systemd service, which begins once
its configuration names a node.id, and the command line (drave).")
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};drave;Unspecified;/;${CMAKE_BINARY_DIR};drave;deb;/")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "kcat, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/debian/conffiles ${CMAKE_SOURCE_DIR}/deploy/debian/postinst
  ${CMAKE_SOURCE_DIR}/deploy/debian/prerm ${CMAKE_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
