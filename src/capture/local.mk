librtsample_a_SOURCES += \
	src/capture/advice.c src/capture/advice.h \
	src/capture/attr.c src/capture/attr.h \
	src/capture/backend.c src/capture/backend.h \
	src/capture/capture.h \
	src/capture/drain.c src/capture/drain.h \
	src/capture/events.c src/capture/events.h \
	src/capture/flag_leak.c src/capture/flag_leak.h \
	src/capture/near.c src/capture/near.h \
	src/capture/near_events.c src/capture/near_events.h \
	src/capture/near_memory.c src/capture/near_memory.h \
	src/capture/near_plan.h \
	src/capture/near_proof.c src/capture/near_proof.h \
	src/capture/near_reader.c src/capture/near_reader.h \
	src/capture/near_readers.c src/capture/near_readers.h \
	src/capture/near_state.h \
	src/capture/perf_capture.c \
	src/capture/perf_limits.c src/capture/perf_limits.h \
	src/capture/perf_rings.c src/capture/perf_rings.h \
	src/capture/ptrace_capture.c \
	src/capture/ptrace_clock.c src/capture/ptrace_clock.h \
	src/capture/ptrace_image.c src/capture/ptrace_image.h \
	src/capture/ptrace_near.c src/capture/ptrace_near.h \
	src/capture/ptrace_rounds.c src/capture/ptrace_rounds.h \
	src/capture/ptrace_state.c src/capture/ptrace_state.h \
	src/capture/ptrace_stop.c src/capture/ptrace_stop.h \
	src/capture/ptrace_targets.c src/capture/ptrace_targets.h \
	src/capture/ptrace_tracer.c src/capture/ptrace_tracer.h \
	src/capture/ptrace_tracer_state.h \
	src/capture/ptrace_visits.c src/capture/ptrace_visits.h \
	src/capture/record.c src/capture/record.h \
	src/capture/record_encode.c src/capture/record_encode.h \
	src/capture/receipt.c src/capture/receipt.h \
	src/capture/refusal.c src/capture/refusal.h \
	src/capture/ring.c src/capture/ring.h \
	src/capture/standing.c src/capture/standing.h
