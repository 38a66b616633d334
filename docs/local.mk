# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += docs/architecture.md docs/control-plane.md docs/cost.md docs/decisions.md docs/formats.md \
	docs/inventory.md docs/performance.md docs/planner.md docs/points.md docs/security.md docs/testing.md \
	docs/tracking.md docs/vault-care.md

# Manual pages: a row here and docs/NAME.scd. They are built where scdoc is.
manual_pages = docs/godwit.1 docs/godwit-agent.8 docs/godwit-api.7 docs/godwitd.8
EXTRA_DIST += $(manual_pages:=.scd)
if HAVE_SCDOC
man_MANS += $(manual_pages)
CLEANFILES += $(manual_pages)
endif

SUFFIXES = .scd
.scd:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SCDOC) <$< >$@
