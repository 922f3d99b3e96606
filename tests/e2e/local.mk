# SPDX-License-Identifier: Apache-2.0
# The scenarios, in TAP: each starts what it samples and checks what rtsample says about it.
e2e_scripts = \
	tests/e2e/hostile_budgets.py \
	tests/e2e/kernels.py \
	tests/e2e/versus_perf.py \
	tests/e2e/doctor_kernels.py \
	tests/e2e/programs.py \
	tests/e2e/targets.py \
	tests/e2e/files.py \
	tests/e2e/names.py \
	tests/e2e/overwritten.py \
	tests/e2e/storms.py \
	tests/e2e/hostile_tenant.py \
	tests/e2e/neighbours.py \
	tests/e2e/clocks.py \
	tests/e2e/brief.py \
	tests/e2e/graph.py \
	tests/e2e/cgroups.py \
	tests/e2e/cfi_rows.py \
	tests/e2e/containers.py \
	tests/e2e/hostile_claims.py \
	tests/e2e/podman.py \
	tests/e2e/sidecar.py \
	tests/e2e/privacy.py \
	tests/e2e/bad_input.py \
	tests/e2e/bundles.py \
	tests/e2e/gdb.py \
	tests/e2e/hostile_groups.py \
	tests/e2e/libraries.py \
	tests/e2e/linkage.py \
	tests/e2e/losses.py \
	tests/e2e/settings.py \
	tests/e2e/messages.py \
	tests/e2e/send.py \
	tests/e2e/hostile_waits.py \
	tests/e2e/delivery.py \
	tests/e2e/delivery_crash.py \
	tests/e2e/delivery_sampling.py \
	tests/e2e/delivery_tls.py \
	tests/e2e/guards.py \
	tests/e2e/memory.py \
	tests/e2e/hostile_text.py \
	tests/e2e/metrics.py \
	tests/e2e/modules.py \
	tests/e2e/record.py \
	tests/e2e/remapped.py \
	tests/e2e/rotation.py \
	tests/e2e/service.py \
	tests/e2e/hostile_ptrace.py \
	tests/e2e/replay_perf.py \
	tests/e2e/replay_anywhere.py \
	tests/e2e/replay_kinds.py \
	tests/e2e/replay_options.py \
	tests/e2e/replay_settings.py \
	tests/e2e/replay_symfs.py \
	tests/e2e/union.py \
	tests/e2e/unwinders.py \
	tests/e2e/ptrace.py \
	tests/e2e/hostile_sealed.py \
	tests/e2e/deployment.py \
	tests/e2e/doctor.py \
	tests/e2e/permissions.py \
	tests/e2e/no_bpf.py \
	tests/e2e/map.py

TESTS += $(e2e_scripts)
EXTRA_DIST += tests/e2e/lib.py tests/e2e/hostile_lib.py tests/e2e/redis_load.py tests/e2e/cgroup_lib.py tests/e2e/churn_lib.py tests/e2e/podman_lib.py tests/e2e/graph_maker.py tests/e2e/trace_maker.py $(e2e_scripts) \
	tests/e2e/seccomp_run.py tests/e2e/delivery_lib.py tests/e2e/delivery_server.py \
	tests/e2e/failing_disk.c tests/e2e/confine.c tests/e2e/intruder.c tests/e2e/neighbour.c tests/e2e/ptrace_hang.c tests/e2e/kernel_lib.py
$(e2e_scripts:.py=.log): src/rtsample$(EXEEXT)
tests/e2e/cfi_rows.log: tests/oracles/cfi_rows$(EXEEXT)
