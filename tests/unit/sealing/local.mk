# SPDX-License-Identifier: Apache-2.0
sealing_suites = \
	tests/unit/sealing/test_calls.c \
	tests/unit/sealing/test_capabilities.c \
	tests/unit/sealing/test_origin.c \
	tests/unit/sealing/test_seal.c
unit_suites += $(sealing_suites)
