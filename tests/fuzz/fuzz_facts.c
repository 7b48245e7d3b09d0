/* SPDX-License-Identifier: MIT */
/* fuzz_facts: any bytes as what a job wrote to its MUSTER_OUTPUT. */
#include <string.h>

#include "exec/facts.h"
#include "fuzz.h"
#include "plan/vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    char *bytes = malloc(n + 1);
    struct facts *facts;

    demand(bytes);
    if (n)
        memcpy(bytes, data, n);
    bytes[n] = '\0';
    facts = facts_parse(bytes, n);
    demand(facts && !facts->vars[facts->count].name);
    demand(!facts->fault || !facts->count);
    for (size_t i = 0; i < facts->count; i++) {
        const struct env_var *fact = &facts->vars[i];

        demand(!vars_name_fault(fact->name, strlen(fact->name)));
        demand(!strchr(fact->value, '\n') && strlen(fact->name) + strlen(fact->value) < 64U << 10);
        for (size_t k = 0; k < i; k++)
            demand(strcmp(fact->name, facts->vars[k].name));
    }
    free(facts);
    free(bytes);
    return 0;
}
