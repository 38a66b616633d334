# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# An S3 service of the test's own (tool_s3), and what godwit must know to talk to it, on top of what
# cli_common.sh gives. Sourced, not run.
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs tool_s3 tool_proxy

export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secret AWS_REGION=home-1 GODWIT_S3_PATH_STYLE=1
mkdir "$dir/bodies"
mkfifo "$dir/port"

# helper COMMAND...: started; $port is what it listens at, $! it
helper() {
    "$@" >"$dir/port" &
    read -r port <"$dir/port"
}

# The service, at $service: it keeps what it was asked in $dir/requests.
helper tool_s3 "$dir/bodies" bucket "$dir/requests"
service=$port
export AWS_ENDPOINT_URL=http://127.0.0.1:$service
