librtsample_a_SOURCES += \
	src/process/cgroup.c src/process/cgroup.h \
	src/process/cgroup_ids.c src/process/cgroup_ids.h \
	src/process/cgroup_names.c src/process/cgroup_names.h \
	src/process/container.c src/process/container.h \
	src/process/descendants.c src/process/descendants.h \
	src/process/file_origin.c src/process/file_origin.h \
	src/process/look.c src/process/look.h \
	src/process/look_answer.c src/process/look_state.h \
	src/process/lives.c src/process/lives.h \
	src/process/mapped_file.c src/process/mapped_file.h \
	src/process/mapped_file_open.c \
	src/process/mapping.c src/process/mapping.h \
	src/process/maps.c src/process/maps.h \
	src/process/maps_allowance.c src/process/maps_allowance.h \
	src/process/maps_line.c src/process/maps_line.h \
	src/process/maps_query.c src/process/maps_query.h \
	src/process/maps_text.c src/process/maps_text.h \
	src/process/module_name.c src/process/module_name.h \
	src/process/namespace_root.c src/process/namespace_root.h \
	src/process/neighbours.c src/process/neighbours.h \
	src/process/owner.c src/process/owner.h \
	src/process/process.c src/process/process.h src/process/process_state.h \
	src/process/process_events.c \
	src/process/process_memory.c \
	src/process/process_proc.c \
	src/process/root_view.c src/process/root_view.h \
	src/process/socket.c src/process/socket.h \
	src/process/stat.c src/process/stat.h \
	src/process/text_copy.c src/process/text_copy.h
