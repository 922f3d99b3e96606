# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/sending/fact_reader.c src/sending/fact_reader.h \
	src/sending/send_account.c src/sending/send_account.h \
	src/sending/send_input.c src/sending/send_input.h \
	src/sending/send_union.c src/sending/send_union.h \
	src/sending/sending.c src/sending/sending.h \
	src/sending/settings_delivery.c src/sending/settings_delivery.h
