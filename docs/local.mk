# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += docs/decisions.md docs/formats.md
EXTRA_DIST += docs/inventory.md
