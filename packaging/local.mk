# SPDX-License-Identifier: Apache-2.0
# systemd units, the planner's user, and the drop-in that guards a workload's services.
packaging_in = packaging/godwitd.service.in packaging/godwit-agent.service.in \
	packaging/guard.conf.in
EXTRA_DIST += $(packaging_in) packaging/sysusers.conf

systemdsystemunit_DATA = packaging/godwitd.service packaging/godwit-agent.service
sysusersdir = $(prefix)/lib/sysusers.d
sysusers_DATA = packaging/godwit.conf
guarddir = $(docdir)/examples
guard_DATA = packaging/guard.conf
CLEANFILES += $(systemdsystemunit_DATA) $(sysusers_DATA) $(guard_DATA)

packaging_subst = $(AM_V_GEN)$(MKDIR_P) packaging && \
	sed -e 's|@sbindir[@]|$(sbindir)|g'

packaging/godwitd.service: $(srcdir)/packaging/godwitd.service.in Makefile
	$(packaging_subst) $(srcdir)/packaging/godwitd.service.in >$@

packaging/godwit-agent.service: $(srcdir)/packaging/godwit-agent.service.in Makefile
	$(packaging_subst) $(srcdir)/packaging/godwit-agent.service.in >$@

packaging/guard.conf: $(srcdir)/packaging/guard.conf.in Makefile
	$(packaging_subst) $(srcdir)/packaging/guard.conf.in >$@

packaging/godwit.conf: $(srcdir)/packaging/sysusers.conf Makefile
	$(packaging_subst) $(srcdir)/packaging/sysusers.conf >$@
