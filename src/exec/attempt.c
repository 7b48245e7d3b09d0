/* SPDX-License-Identifier: MIT */
/* attempt: one try at a job, as asked for and as it ended. Plain facts, no behaviour. */
#include "exec/attempt.h"

#include <stdlib.h>

#include "exec/capture.h"

void attempt_end_release(struct attempt_end *end) {
    free(end->detail);
    free(end->facts);
    end->detail = NULL;
    free(end->http);
    end->http = NULL;
    end->facts = NULL;
    end->out = capture_free(end->out);
    end->err = capture_free(end->err);
}
