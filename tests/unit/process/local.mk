# SPDX-License-Identifier: Apache-2.0
process_suites = \
	tests/unit/process/test_cgroup.c \
	tests/unit/process/test_cgroup_ids.c \
	tests/unit/process/test_cgroup_names.c \
	tests/unit/process/test_container.c \
	tests/unit/process/test_lives.c \
	tests/unit/process/test_mapped_file_open.c \
	tests/unit/process/test_mapped_files.c \
	tests/unit/process/test_mapping.c \
	tests/unit/process/test_maps.c \
	tests/unit/process/test_maps_allowance.c \
	tests/unit/process/test_module_name.c \
	tests/unit/process/test_namespace_root.c \
	tests/unit/process/test_owner.c \
	tests/unit/process/test_process.c \
	tests/unit/process/test_process_memory.c \
	tests/unit/process/test_socket.c \
	tests/unit/process/test_text_copy.c
unit_suites += $(process_suites)
unit_parts += tests/unit/oracle.h \
	tests/unit/process/fake_proc.h
