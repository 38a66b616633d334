/* SPDX-License-Identifier: Apache-2.0 */
/* Does a host run on bare metal, in a virtual machine or in a container, and of which kind? */
#ifndef GODWIT_INVENTORY_VIRT_H
#define GODWIT_INVENTORY_VIRT_H

#include "inventory/probe.h"

enum virt_kind { VIRT_NONE, VIRT_VM, VIRT_CONTAINER };

struct virt {
    enum virt_kind kind;
    char
        type[32]; /* "kvm", "vmware", "docker", ...; "" for none, "other" for a VM not recognised */
};

/* Never fails: what cannot be read counts as not there. */
void virt_detect(struct probe *p, struct virt *ret);

const char *virt_kind_name(enum virt_kind kind); /* "none", "vm", "container" */

#endif
