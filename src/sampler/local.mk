# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/sampler/code_map.c src/sampler/code_map.h \
	src/sampler/container_of.c src/sampler/container_of.h \
	src/sampler/copied_text.c src/sampler/copied_text.h \
	src/sampler/kept.h \
	src/sampler/mapped_object.c src/sampler/mapped_object.h \
	src/sampler/nearness.c src/sampler/nearness.h \
	src/sampler/pace.c src/sampler/pace.h \
	src/sampler/sampler.c src/sampler/sampler.h \
	src/sampler/sampler_state.h \
	src/sampler/self.c src/sampler/self.h \
	src/sampler/side_band.c src/sampler/side_band.h \
	src/sampler/unwinding.c src/sampler/unwinding.h
