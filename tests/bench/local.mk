# SPDX-License-Identifier: Apache-2.0
# Measurements, run by make bench.
EXTRA_DIST += \
	tests/bench/attribution \
	tests/bench/churn \
	tests/bench/ptrace \
	tests/bench/run \
	tests/bench/upload \
	tests/bench/hotspots.py \
	tests/bench/targets.py \
	tests/bench/tools.py
