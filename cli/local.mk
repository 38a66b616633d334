# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += godwit
godwit_CPPFLAGS = $(AM_CPPFLAGS) $(SMARTCOLS_CFLAGS)
godwit_SOURCES = \
	cli/api.c cli/api.h \
	cli/cmd.c cli/cmd.h \
	cli/cmd_help.c \
	cli/cmd_host.c \
	cli/help.c cli/help.h \
	cli/main.c \
	cli/out.c cli/out.h \
	cli/table.c cli/table.h \
	cli/verbs.c cli/verbs.h \
	cli/version.c \
	cli/yaml.c cli/yaml.h
godwit_LDADD = $(BASE_LIBS) $(SMARTCOLS_LIBS)
