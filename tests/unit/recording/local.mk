# SPDX-License-Identifier: Apache-2.0
recording_suites = \
	tests/unit/recording/test_recorded_settings.c
unit_suites += $(recording_suites)
