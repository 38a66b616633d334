# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/data/fuzz_conf tests/data/fuzz_js tests/data/fuzz_text
if HAVE_CMOCKA
c_tests += unit_crypto
unit_crypto_SOURCES = tests/unit_crypto.c
unit_crypto_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_js
unit_js_SOURCES = tests/unit_js.c
unit_js_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_jsw
unit_jsw_SOURCES = tests/unit_jsw.c
unit_jsw_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_db
unit_db_SOURCES = tests/unit_db.c
unit_db_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_cert
unit_cert_SOURCES = tests/unit_cert.c
unit_cert_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_loop
unit_loop_SOURCES = tests/unit_loop.c
unit_loop_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_http
unit_http_SOURCES = tests/unit_http.c tests/httpd_fixture.h tests/tls_raw.c tests/tls_raw.h
unit_http_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_http_multi
unit_http_multi_SOURCES = tests/unit_http_multi.c tests/httpd_fixture.h
unit_http_multi_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_http_tls
unit_http_tls_SOURCES = tests/unit_http_tls.c tests/httpd_fixture.h
unit_http_tls_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_httpd
unit_httpd_SOURCES = tests/unit_httpd.c tests/httpd_fixture.h tests/tls_raw.c tests/tls_raw.h
unit_httpd_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_err
unit_err_SOURCES = tests/unit_err.c
unit_err_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_buf
unit_buf_SOURCES = tests/unit_buf.c
unit_buf_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_num
unit_num_SOURCES = tests/unit_num.c
unit_num_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_xml
unit_xml_SOURCES = tests/unit_xml.c
unit_xml_LDADD = $(BASE_TEST_LIBS)
c_tests += unit_csv
unit_csv_SOURCES = tests/unit_csv.c
unit_csv_LDADD = $(BASE_TEST_LIBS)
c_tests += unit_text
unit_text_SOURCES = tests/unit_text.c
unit_text_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_fd
unit_fd_SOURCES = tests/unit_fd.c
unit_fd_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_queue
unit_queue_SOURCES = tests/unit_queue.c
unit_queue_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_pool
unit_pool_SOURCES = tests/unit_pool.c
unit_pool_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_worker
unit_worker_SOURCES = tests/unit_worker.c
unit_worker_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_proc
unit_proc_SOURCES = tests/unit_proc.c
unit_proc_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_opt
unit_opt_SOURCES = tests/unit_opt.c
unit_opt_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_conf
unit_conf_SOURCES = tests/unit_conf.c
unit_conf_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_clock
unit_clock_SOURCES = tests/unit_clock.c
unit_clock_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_complaint
unit_complaint_SOURCES = tests/unit_complaint.c
unit_complaint_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_gw
unit_gw_SOURCES = tests/unit_gw.c
unit_gw_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_log
unit_log_SOURCES = tests/unit_log.c
unit_log_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_secret
unit_secret_SOURCES = tests/unit_secret.c
unit_secret_LDADD = $(BASE_TEST_LIBS)

# SHA-256 of many at a time
c_tests += unit_sha256
unit_sha256_SOURCES = tests/unit_sha256.c
unit_sha256_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_fail
unit_fail_SOURCES = tests/unit_fail.c
unit_fail_LDADD = $(BASE_TEST_LIBS)

c_tests += fault_base
fault_base_SOURCES = tests/fault_base.c
fault_base_LDADD = $(BASE_TEST_LIBS)

c_tests += fault_fd
fault_fd_SOURCES = tests/fault_fd.c
fault_fd_LDADD = $(BASE_TEST_LIBS)

c_tests += fuzz_text
fuzz_text_SOURCES = tests/fuzz_text.c
fuzz_text_LDADD = $(BASE_TEST_LIBS)

c_tests += fuzz_conf
fuzz_conf_SOURCES = tests/fuzz_conf.c
fuzz_conf_LDADD = $(BASE_TEST_LIBS)

c_tests += unit_jspiece
unit_jspiece_SOURCES = tests/unit_jspiece.c
unit_jspiece_LDADD = $(BASE_TEST_LIBS)

c_tests += fuzz_js
fuzz_js_SOURCES = tests/fuzz_js.c
fuzz_js_LDADD = $(BASE_TEST_LIBS)
endif
