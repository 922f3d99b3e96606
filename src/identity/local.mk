# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/identity/demangle.c src/identity/demangle.h \
	src/identity/identify.c src/identity/identify.h \
	src/identity/symbol.c src/identity/symbol.h \
	src/identity/symbol_form.c \
	src/identity/symbol_id.c src/identity/symbol_id.h \
	src/identity/symbol_memo.c \
	src/identity/symbol_state.h \
	src/identity/symbol_trim.c
