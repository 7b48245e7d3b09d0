/* SPDX-License-Identifier: MIT */
/* fuzz_dialog: any bytes as a line of a persistent worker's. */
#include <string.h>

#include "exec/dialog.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct dialog_line line;

    dialog_read((const char *)data, n, &line);
    if (line.kind == DIALOG_ANSWER)
        demand(line.exit >= 0 && line.exit <= 255 && line.output_len <= n &&
               (!line.output_len || line.output));
    demand(!line.fault == (line.kind != DIALOG_RUBBISH));
    demand(!line.fault || (*line.fault && strlen(line.fault) < 512 && !strchr(line.fault, '\n')));
    dialog_line_release(&line);
    return 0;
}
