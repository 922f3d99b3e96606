# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/doctor/check.c src/doctor/check.h \
	src/doctor/findings.h \
	src/doctor/fixes.c src/doctor/fixes.h \
	src/doctor/host.c src/doctor/host.h \
	src/doctor/identity.c src/doctor/identity.h \
	src/doctor/judge.c src/doctor/judge.h \
	src/doctor/judge_endpoint.c \
	src/doctor/judge_entry.c \
	src/doctor/judge_kernel.c \
	src/doctor/judge_near.c \
	src/doctor/judge_perf.c \
	src/doctor/judge_ptrace.c \
	src/doctor/judge_self.c \
	src/doctor/judge_self_seal.c src/doctor/self_seal.h \
	src/doctor/judge_selftest.c src/doctor/judge_selftest.h \
	src/doctor/judge_target.c \
	src/doctor/probe.c src/doctor/probe.h \
	src/doctor/probe_access.c \
	src/doctor/probe_child.c \
	src/doctor/probe_entry.c \
	src/doctor/probe_gates.c \
	src/doctor/probe_near.c \
	src/doctor/probe_perf.c \
	src/doctor/probe_ptrace.c \
	src/doctor/probe_self_seal.c \
	src/doctor/probe_sampling.c src/doctor/probe_sampling.h \
	src/doctor/report_json.c \
	src/doctor/report_text.c
