# SPDX-License-Identifier: Apache-2.0
sampler_suites = \
	tests/unit/sampler/test_code_map.c \
	tests/unit/sampler/test_nearness.c
unit_suites += $(sampler_suites)
unit_parts += tests/unit/unwind/own_code.h
