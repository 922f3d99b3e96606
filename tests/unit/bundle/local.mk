# SPDX-License-Identifier: Apache-2.0
bundle_suites = \
	tests/unit/bundle/test_bundle.c
unit_suites += $(bundle_suites)
unit_parts += tests/unit/oracle.h
