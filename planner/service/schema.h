/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the planner's database, as migrations. To change one: a row at the end. */
#ifndef GODWIT_PLANNER_SERVICE_SCHEMA_H
#define GODWIT_PLANNER_SERVICE_SCHEMA_H

#include "base/db.h"

extern const struct db_migration schema_steps[];
extern const size_t schema_steps_n;

#endif
