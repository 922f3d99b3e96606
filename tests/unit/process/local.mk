# SPDX-License-Identifier: Apache-2.0
process_unit_tests = \
	tests/unit/process/test_cgroup \
	tests/unit/process/test_cgroup_ids \
	tests/unit/process/test_container \
	tests/unit/process/test_lives \
	tests/unit/process/test_mapped_file_open \
	tests/unit/process/test_mapping \
	tests/unit/process/test_maps \
	tests/unit/process/test_module_name \
	tests/unit/process/test_owner \
	tests/unit/process/test_process \
	tests/unit/process/test_process_memory \
	tests/unit/process/test_socket \
	tests/unit/process/test_text_copy
check_PROGRAMS += $(process_unit_tests)
TESTS += $(process_unit_tests)

tests_unit_process_test_lives_SOURCES = tests/unit/process/test_lives.c
tests_unit_process_test_mapped_file_open_SOURCES = \
	tests/unit/process/test_mapped_file_open.c tests/unit/oracle.h
tests_unit_process_test_cgroup_SOURCES = tests/unit/process/test_cgroup.c tests/unit/oracle.h
tests_unit_process_test_cgroup_ids_SOURCES = \
	tests/unit/process/test_cgroup_ids.c tests/unit/oracle.h
tests_unit_process_test_socket_SOURCES = tests/unit/process/test_socket.c tests/unit/oracle.h
tests_unit_process_test_container_SOURCES = \
	tests/unit/process/test_container.c tests/unit/oracle.h
tests_unit_process_test_owner_SOURCES = tests/unit/process/test_owner.c tests/unit/oracle.h
tests_unit_process_test_mapping_SOURCES = tests/unit/process/test_mapping.c
tests_unit_process_test_module_name_SOURCES = tests/unit/process/test_module_name.c
tests_unit_process_test_maps_SOURCES = tests/unit/process/test_maps.c tests/unit/oracle.h
tests_unit_process_test_process_SOURCES = \
	tests/unit/process/test_process.c tests/unit/process/fake_proc.h tests/unit/oracle.h
tests_unit_process_test_process_memory_SOURCES = \
	tests/unit/process/test_process_memory.c tests/unit/process/fake_proc.h tests/unit/oracle.h
tests_unit_process_test_text_copy_SOURCES = tests/unit/process/test_text_copy.c
