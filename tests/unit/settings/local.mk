# SPDX-License-Identifier: Apache-2.0
settings_suites = \
	tests/unit/settings/test_settings.c \
	tests/unit/settings/test_settings_environment.c \
	tests/unit/settings/test_settings_file.c \
	tests/unit/settings/test_settings_keys.c \
	tests/unit/settings/test_settings_layers.c
unit_suites += $(settings_suites)
unit_parts += tests/unit/oracle.h
