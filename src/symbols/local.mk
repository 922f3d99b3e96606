# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/symbols/demangle.c src/symbols/demangle.h \
	src/symbols/identify.c src/symbols/identify.h \
	src/symbols/symbol.c src/symbols/symbol.h \
	src/symbols/symbol_form.c \
	src/symbols/symbol_id.c src/symbols/symbol_id.h \
	src/symbols/symbol_memo.c \
	src/symbols/symbol_state.h \
	src/symbols/symbol_trim.c
