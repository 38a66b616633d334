# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# SQLite as the database of flow_points.sh.
size_of_image() { echo 512M; }
place_of() { echo "$1/db.sqlite"; }
start_database() { :; }
stop_database() { :; }

# check_database MOUNT TAKEN_MS
check_database() {
    python3 "${abs_top_srcdir:?}/tests/points_writer.py" check sqlite "$(place_of "$1")" "${acks:?}" "$2"
}
