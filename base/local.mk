# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_base.a
libgodwit_base_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	$(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(INIH_CFLAGS)
libgodwit_base_a_SOURCES = \
	base/auto.h \
	base/banned.h \
	base/buf.h \
	base/cert.h \
	base/clock.h \
	base/conf.h \
	base/crypto.c base/crypto.h \
	base/db.c base/db.h \
	base/err.c base/err.h \
	base/fail.h \
	base/fd.h \
	base/gw.h \
	base/http.h \
	base/httpd.h \
	base/js.c base/js.h \
	base/jsw.c base/jsw.h \
	base/log.h \
	base/loop.h \
	base/num.h \
	base/opt.h \
	base/pool.h \
	base/proc.h \
	base/queue.h \
	base/secret.h \
	base/slice.h \
	base/text.h \
	base/worker.h
