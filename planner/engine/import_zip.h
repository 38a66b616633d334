/* SPDX-License-Identifier: Apache-2.0 */
/* Zips: workbooks, and lists packed together. Internal to import*.c. */
#ifndef GODWIT_PLANNER_ENGINE_IMPORT_ZIP_H
#define GODWIT_PLANNER_ENGINE_IMPORT_ZIP_H

#include "planner/engine/import_priv.h"

/* As import_file, of what zip_is says yes to. */
int import_zip(struct import *im, struct slice bytes);

#endif
