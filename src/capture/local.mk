librtsample_a_SOURCES += \
	src/capture/advice.c src/capture/advice.h \
	src/capture/attr.c src/capture/attr.h \
	src/capture/backend.c src/capture/backend.h \
	src/capture/capture.h \
	src/capture/drain.c src/capture/drain.h \
	src/capture/events.c src/capture/events.h \
	src/capture/perf_capture.c \
	src/capture/perf_rings.c src/capture/perf_rings.h \
	src/capture/record.c src/capture/record.h \
	src/capture/ring.c src/capture/ring.h
