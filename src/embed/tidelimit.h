/* tidelimit's rate limiter for C: nginx modules, other languages, anything that can call C.
 *
 * One table of GCRA buckets in memory fixed at creation. A decision takes no lock, allocates
 * nothing, makes no system call and reads no clock; any number of threads may call on one table.
 * No call throws, aborts or keeps a pointer that it was given.
 *
 *   GCRA: T = period / count. With t = max(now, TAT), n hits conform when t + n*T <= now + burst*T,
 *   and only then TAT = t + n*T. Over any interval L a key gets at most burst + L/T hits; where the
 *   table was too small for it, see `group`.
 *
 * ABI. Within one TIDELIMIT_ABI_VERSION (the shared library's soname ends in it) no function, field
 * or constant changes meaning, place or size; what is new comes as new functions and types. Structs
 * have fixed layouts without gaps on 64-bit systems; zero their `reserved` fields.
 */
#ifndef TIDELIMIT_H
#define TIDELIMIT_H

#include <stddef.h>
#include <stdint.h>

#define TIDELIMIT_ABI_VERSION 0

#if defined(__GNUC__)
#define TIDELIMIT_API __attribute__((visibility("default")))
#else
#define TIDELIMIT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a decision returns. */
enum {
  TIDELIMIT_DENIED = 0,
  TIDELIMIT_ALLOWED = 1,
  TIDELIMIT_INVALID = -1 /* an argument out of its range; nothing was charged or written */
};

/* `retry_after_ns` of a call that asks for more hits than the burst: it will never conform. */
#define TIDELIMIT_NEVER INT64_MAX

/* `now_ns` lies in [0, TIDELIMIT_NOW_MAX): a monotonic clock (CLOCK_MONOTONIC), not the time of
 * day. About 4.5 years. A reading earlier than the one before grants no hits. */
#define TIDELIMIT_NOW_MAX (INT64_C(1) << 57)

/* A limit as a decision needs it; made by tidelimit_limit_of. */
typedef struct tidelimit_limit {
  int64_t emission_interval_ns; /* T */
  uint64_t burst;
} tidelimit_limit;

typedef struct tidelimit_call {
  const void* key; /* who is limited, and by what: any bytes. One key, one limit. */
  size_t key_size; /* may be 0 */
  uint64_t group;  /* whose bucket to share when every place is taken by a live bucket: say,
                      a number for the address's /24; 0: one for all. Only calls of equal limits
                      share. A key that shared begins anew when it gets a place of its own: at
                      that moment it may take its burst once more */
  tidelimit_limit limit;
  uint32_t hits;     /* how many hits this call stands for; 0 asks for one and charges none */
  uint32_t reserved; /* 0 */
} tidelimit_call;

typedef struct tidelimit_answer {
  int32_t allowed;        /* 1 or 0 */
  int32_t shared;         /* 1: decided by a group's bucket, because the table was full */
  uint64_t remaining;     /* hits that would still pass at once */
  int64_t retry_after_ns; /* 0 when allowed; else until the same call would pass */
  int64_t reset_after_ns; /* until the bucket is full again */
} tidelimit_answer;

/* Opaque. (Not `tidelimit`: in C++ that is a namespace.) */
typedef struct tidelimit_table tidelimit_table;

/* The ABI of the library that is loaded; compare it with TIDELIMIT_ABI_VERSION. */
TIDELIMIT_API uint32_t tidelimit_abi_version(void);

/* A table of `bytes` of memory, fixed from then on; pages that were never used cost nothing. Of
 * live keys at 16 bytes each 8.4 % share, at 21 1.4 %, at 25 0.3 %, at 32 0.03 %. `seed` keys the
 * hashing: draw it from the system (getrandom), so that nobody can aim for collisions. NULL when
 * there is no such memory. */
TIDELIMIT_API tidelimit_table* tidelimit_create(size_t bytes, uint64_t seed);
/* No other thread may be in a call. NULL is let pass. */
TIDELIMIT_API void tidelimit_destroy(tidelimit_table* table);

/* `count` hits per `period_ns`, and `burst` at once. All from 1; a period of at most a year, and
 * `count` at most one per nanosecond. T is rounded to the nearest nanosecond; a burst of more than
 * 417 days of hits is cut.
 * TIDELIMIT_INVALID leaves `limit` alone; 1 otherwise. Do it once per limit, not per call. */
TIDELIMIT_API int tidelimit_limit_of(uint64_t count, int64_t period_ns, uint64_t burst,
                                     tidelimit_limit* limit);

/* Decides one call and charges it if it conforms. `answer` may be NULL. */
TIDELIMIT_API int tidelimit_decide(tidelimit_table* table, const tidelimit_call* call,
                                   int64_t now_ns, tidelimit_answer* answer);

/* Decides `count` calls in their order, with memory fetched ahead; equal to one by one. Answers go
 * to `answers[0..count)`. How many are allowed, or TIDELIMIT_INVALID when any call is invalid:
 * then none was charged. */
TIDELIMIT_API int64_t tidelimit_decide_batch(tidelimit_table* table, const tidelimit_call* calls,
                                             size_t count, int64_t now_ns,
                                             tidelimit_answer* answers);

/* How many buckets there is room for; about how many are live (TAT > now); how many calls with
 * hits were decided by a group's bucket so far. 0 for no table, and for a reading out of range. */
TIDELIMIT_API uint64_t tidelimit_capacity(const tidelimit_table* table);
TIDELIMIT_API uint64_t tidelimit_live(const tidelimit_table* table, int64_t now_ns);
TIDELIMIT_API uint64_t tidelimit_shared_calls(const tidelimit_table* table);

/* --- Requests in flight: at most so many of a key at once ------------------------------------- */

typedef struct tidelimit_lease {
  const void* key;    /* whose requests, and where: any bytes */
  size_t key_size;    /* may be 0 */
  uint64_t group;     /* whose count to share when every place is taken, as in tidelimit_call: a
                         key that shared may hold `limit` more in a place of its own */
  int64_t timeout_ns; /* 1 ms .. 50 min, rounded up to whole 3 ms: a request that is not released
                         counts for so long, and up to a third longer. Another timeout, so
                         rounded, is another count. */
  uint32_t limit;     /* at once; 1 .. 1000 */
  uint32_t reserved;  /* 0 */
} tidelimit_lease;

/* Opaque: a table of its own. */
typedef struct tidelimit_leases tidelimit_leases;

/* As tidelimit_create. Of keys with requests in flight at 17 bytes each 13 % share, at 25 1.6 %, at
 * 34 0.15 %. */
TIDELIMIT_API tidelimit_leases* tidelimit_leases_create(size_t bytes, uint64_t seed);
/* As tidelimit_destroy. */
TIDELIMIT_API void tidelimit_leases_destroy(tidelimit_leases* leases);

/* Time is counted in generations, thirds of the rounded timeout. A reading up to 1,000 of them
 * earlier than another grants nothing; one that is further behind forgets what is in flight. What
 * was not released, of a key that is not heard of for 2^23 of them (2.3 hours at 3 ms, 32 days at a
 * second), counts once more, for up to 1,028. */

/* One more in flight: TIDELIMIT_ALLOWED, or TIDELIMIT_DENIED where `limit` are already.
 * `in_flight` (may be NULL): how many are now. */
TIDELIMIT_API int tidelimit_acquire(tidelimit_leases* leases, const tidelimit_lease* lease,
                                    int64_t now_ns, uint32_t* in_flight);
/* One that was acquired with an equal `lease` at `began_ns` has ended; -1: not known when, then the
 * oldest is taken to have. 1: one is in flight less; 0: none was (past its timeout). They are
 * counted, not told apart: release each once, or it ends another's of about the same time. */
TIDELIMIT_API int tidelimit_release(tidelimit_leases* leases, const tidelimit_lease* lease,
                                    int64_t began_ns, int64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif /* TIDELIMIT_H */
