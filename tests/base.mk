# SPDX-License-Identifier: Apache-2.0
if HAVE_CMOCKA
c_tests += unit_crypto
unit_crypto_SOURCES = tests/unit_crypto.c
unit_crypto_LDADD = $(BASE_TEST_LIBS)
c_tests += unit_err
unit_err_SOURCES = tests/unit_err.c
unit_err_LDADD = $(BASE_TEST_LIBS)
endif
