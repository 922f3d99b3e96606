# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/http/curl_library.c src/http/curl_library.h \
	src/http/header.c src/http/header.h \
	src/http/url.c src/http/url.h
