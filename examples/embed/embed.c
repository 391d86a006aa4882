/* The same in C: three requests of one user against 2 a minute, then a batch of two more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tidelimit.h>

static void print(const tidelimit_answer* said) {
  printf("%s, remaining %" PRIu64 ", retry after %" PRId64 " ms\n",
         said->allowed ? "allowed" : "denied", said->remaining, said->retry_after_ns / 1000000);
}

int main(void) {
  const int64_t second = 1000000000;
  tidelimit_table* table = tidelimit_create(1 << 20, 42); /* draw the seed: getrandom(2) */
  tidelimit_call calls[2] = {{0}, {0}};
  tidelimit_answer said[2];
  int i;

  if (table == NULL || tidelimit_abi_version() != TIDELIMIT_ABI_VERSION) return 1;
  for (i = 0; i < 2; ++i) {
    calls[i].key = i == 0 ? "alice" : "bob";
    calls[i].key_size = strlen(calls[i].key);
    calls[i].hits = 1;
    if (tidelimit_limit_of(2, 60 * second, 2, &calls[i].limit) < 0) return 1;
  }
  for (i = 1; i <= 3; ++i) {
    if (tidelimit_decide(table, &calls[0], i * second, &said[0]) == TIDELIMIT_INVALID) return 1;
    print(&said[0]);
  }
  printf("of the batch: %" PRId64 "\n", tidelimit_decide_batch(table, calls, 2, 4 * second, said));
  for (i = 0; i < 2; ++i) print(&said[i]);
  tidelimit_destroy(table);
  return 0;
}
