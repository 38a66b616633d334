# SPDX-License-Identifier: Apache-2.0
# noinst_LIBRARIES += libgodwit_inventory.a, with $(BLKID_CFLAGS), once its first source lands.
