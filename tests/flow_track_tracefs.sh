#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What flow_track_ebpf.sh asks of change tracking, asked of the way without BPF.
set -eu
GODWIT_TRACKER=tracefs exec bash "${abs_top_srcdir:?run by make check}/tests/flow_track_ebpf.sh" "${1:-2}" "${2:-28}" "${3:-1}"
