/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the volume digest of each path it is given; for tests/flow_digest.sh. */
#include "base/err.h"
#include "base/text.h"
#include "transport/replica.h"

#include <stdio.h>

#include "base/banned.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct replica_digest_run run = {.volume_path = argv[i]};
        uint8_t digest[REPLICA_DIGEST_LEN];
        char hex[2 * REPLICA_DIGEST_LEN + 1];
        struct err err = {0};

        if (replica_digest(&run, digest, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        puts(text_hex(digest, sizeof(digest), hex));
    }
    return 0;
}
