librtsample_a_SOURCES += \
	src/unwind/architecture.c src/unwind/architecture.h \
	src/unwind/code_aarch64.c \
	src/unwind/code_x86_64.c \
	src/unwind/compare.c src/unwind/compare.h \
	src/unwind/expression.c src/unwind/expression.h \
	src/unwind/instruction_x86_64.c src/unwind/instruction_x86_64.h \
	src/unwind/libunwind.c \
	src/unwind/libunwind_library.c src/unwind/libunwind_library.h \
	src/unwind/memory.h \
	src/unwind/method.h \
	src/unwind/root.c src/unwind/root.h \
	src/unwind/rule.c src/unwind/rule.h \
	src/unwind/rule_cache.c src/unwind/rule_cache.h \
	src/unwind/rule_text.c src/unwind/rule_text.h \
	src/unwind/stack.c src/unwind/stack.h \
	src/unwind/step.c src/unwind/step.h \
	src/unwind/text_proof.c src/unwind/text_proof.h \
	src/unwind/unwind.c src/unwind/unwind.h
