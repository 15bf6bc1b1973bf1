/*
 * The load of the benchmark: one request, many times over keep-alive connections, and what its replies were like.
 *
 *     client PORT FILE [connections N] [warm S] [seconds S] [rate R] [ramp R] [once | drop] [grace S]
 *
 * FILE is a whole HTTP request, head and body. With no rate, each connection asks again as soon as it was answered; with
 * one, R requests a second are due, and a reply's latency counts from when its request was due, sent or not. `once`:
 * each connection asks once, R connections a second with a ramp. `drop`: so, too, and at the end of the measured time
 * the client waits for a line on its standard input and leaves what still runs. Prints "steady" once every connection had a first
 * byte and the warm-up is over, "end" when the measured time is over, and then a line of JSON about the time between.
 *
 * In event streams an event that holds '~' and sixteen digits is a token, sent at that time (CLOCK_MONOTONIC, µs).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"

enum { HEAD_MAX = 16384, STAMP = 16, OCTAVES = 40, STEPS = 64, MAX_ERRORS = 2000 };

/* Times in nanoseconds, to 1.6 percent. */
struct histogram { uint64_t count[OCTAVES * STEPS], n, max; double sum; };

enum part { HEAD, SIZED, UNTIL_CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER };

struct conn {
    int fd, busy, watching_out, asked, answered;
    size_t sent;
    enum part part;
    char head[HEAD_MAX + 1]; size_t head_size;
    unsigned long long left;
    int status, is_stream, closes, has_body, seen_done;
    int matched;                           /* digits of a stamp so far, from 1; 0 outside */
    int tail;                              /* characters of [DONE] matched */
    uint64_t stamp, due, began, last_token;
    struct conn *next_idle;
};

static struct { int connections, once, drop, port; double warm, seconds, rate, ramp, grace; } asked =
    {.connections = 32, .warm = 0.3, .seconds = 2, .grace = 15};

static char *request; static size_t request_size;
static struct conn *conns, *idle;
static int epoll_fd, timer_fd, launched, answered, stopping, measuring, finished;
static uint64_t start, next_due, steady_at, end_at, seen_at;
static struct histogram latency, first, gap, lag;
static unsigned long long requests, tokens, bytes, errors, done_streams, all_tokens;
static int flowing, flowing_at_end;                        /* streams between their first token and their end */
static uint64_t flowing_since, flowed;     /* their number times time, in the measured time */
static char scratch[1 << 18];

/* -- statistics -------------------------------------------------------------------------------------------------- */

static void record(struct histogram *h, uint64_t ns) {
    if (!measuring) return;
    int octave = 63 - __builtin_clzll(ns | STEPS);           /* 6 at least */
    size_t step = (size_t)(octave - 6) * STEPS + ((ns >> (octave - 6)) & (STEPS - 1)) + (ns >= STEPS ? STEPS : 0);
    if (ns < STEPS) step = (size_t)ns;
    if (step >= OCTAVES * STEPS) step = OCTAVES * STEPS - 1;
    h->count[step]++;
    h->n++;
    h->sum += (double)ns;
    if (ns > h->max) h->max = ns;
}

/* The middle of a step, in nanoseconds. */
static double middle(size_t step) {
    if (step < STEPS) return (double)step;
    size_t octave = step / STEPS - 1;
    return ldexp((double)(STEPS + step % STEPS) + 0.5, (int)octave);
}

static double quantile(const struct histogram *h, double q) {
    uint64_t wanted = (uint64_t)ceil(q * (double)h->n), seen = 0;
    for (size_t step = 0; step < OCTAVES * STEPS; step++)
        if ((seen += h->count[step]) >= wanted && seen) return middle(step);
    return 0;
}

static void print_histogram(const char *name, const struct histogram *h) {
    printf(", \"%s\": {\"n\": %llu, \"mean\": %.1f, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}", name,
           (unsigned long long)h->n, h->n ? h->sum / (double)h->n / 1000 : 0, quantile(h, 0.5) / 1000,
           quantile(h, 0.9) / 1000, quantile(h, 0.99) / 1000, (double)h->max / 1000);
}

static void report(void) {
    printf("{\"requests\": %llu, \"tokens\": %llu, \"bytes\": %llu, \"errors\": %llu, \"seconds\": %.6f, \"opened\": %d, "
           "\"done\": %llu, \"all_tokens\": %llu, \"flowing\": %d, \"stream_seconds\": %.3f",
           requests, tokens, bytes, errors, (double)(seen_at - steady_at) / 1e9, answered, done_streams, all_tokens,
           flowing_at_end, (double)flowed / 1e9);
    print_histogram("latency_us", &latency);
    print_histogram("first_us", &first);
    print_histogram("gap_us", &gap);
    print_histogram("lag_us", &lag);
    puts("}");
}

/* A stream begins or ends to flow; 0 only brings the sum up to date. */
static void flow(int change) {
    uint64_t now = now_ns();
    if (measuring) flowed += (uint64_t)flowing * (now - flowing_since);
    flowing_since = now;
    flowing += change;
}

/* -- one connection ---------------------------------------------------------------------------------------------- */

static void hang_up(struct conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->watching_out = 0;
}

static void connect_to(struct conn *c) {
    struct sockaddr_in address = local(asked.port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    no_delay(c->fd);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
    watch_fd(epoll_fd, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
}

static void send_rest(struct conn *c) {
    ssize_t size = send(c->fd, request + c->sent, request_size - c->sent, MSG_NOSIGNAL);
    if (size > 0) c->sent += (size_t)size;
    int waiting = c->sent < request_size;
    if (waiting == c->watching_out) return;
    c->watching_out = waiting;
    watch_fd(epoll_fd, EPOLL_CTL_MOD, c->fd, EPOLLIN | (waiting ? EPOLLOUT : 0), c);
}

static void ask(struct conn *c, uint64_t due) {
    if (c->fd < 0) connect_to(c);
    c->busy = c->asked = 1;
    c->due = due;
    c->began = now_ns();
    c->sent = c->head_size = 0;
    c->part = HEAD;
    c->has_body = c->seen_done = c->matched = c->tail = 0;
    c->last_token = 0;
    send_rest(c);
}

static void make_idle(struct conn *c) {
    c->busy = 0;
    if (asked.once) { finished++; return; }
    if (!asked.rate && !stopping) { ask(c, now_ns()); return; }
    c->next_idle = idle;
    idle = c;
}

static void complain(const struct conn *c, const char *what) {
    if (errors++ < 3) fprintf(stderr, "client: %s; status %d: %.300s\n", what, c->status, c->head);
    if (errors > MAX_ERRORS) { fprintf(stderr, "client: too many errors\n"); exit(1); }
}

static void end_reply(struct conn *c) {
    if (c->status != 200) complain(c, "not 200");
    else if (measuring) requests++;
    if (c->is_stream && c->status == 200 && !c->seen_done) complain(c, "a stream with no [DONE]");
    if (c->seen_done) done_streams++;
    if (c->last_token) flow(-1);
    if (c->status == 200) record(&latency, seen_at - c->due);
    if (c->closes) hang_up(c);
    make_idle(c);
}

static void lose(struct conn *c) {
    hang_up(c);
    if (!c->busy) return;
    if (c->last_token) flow(-1);
    complain(c, "connection lost");
    make_idle(c);
}

/* -- replies ----------------------------------------------------------------------------------------------------- */

static void token(struct conn *c) {
    all_tokens++;
    if (measuring) tokens++;
    uint64_t now = seen_at / 1000;
    record(&lag, now > c->stamp ? (now - c->stamp) * 1000 : 0);
    if (c->last_token) record(&gap, seen_at - c->last_token);
    else flow(1);
    c->last_token = seen_at;
}

/* Tokens and the end of a stream, in bytes as they come. */
static void read_events(struct conn *c, const char *data, size_t size) {
    static const char DONE[] = "[DONE]";
    for (size_t i = 0; i < size; i++) {
        char byte = data[i];
        if (c->matched) {
            if (byte < '0' || byte > '9') { c->matched = 0; continue; }
            c->stamp = c->stamp * 10 + (uint64_t)(byte - '0');
            if (++c->matched > STAMP) { c->matched = 0; token(c); }
        } else if (byte == '~') {
            c->matched = 1;
            c->stamp = 0;
        } else if (byte == DONE[c->tail]) {
            if (!DONE[++c->tail]) { c->seen_done = 1; c->tail = 0; }
        } else c->tail = byte == '[';
    }
}

static void read_body(struct conn *c, const char *data, size_t size) {
    if (measuring) bytes += size;
    if (!c->has_body) {
        c->has_body = 1;
        record(&first, seen_at - c->began);
        if (!c->answered) { c->answered = 1; answered++; }
    }
    if (c->is_stream) read_events(c, data, size);
}

static void read_head(struct conn *c) {
    c->status = c->head_size > 12 ? atoi(c->head + 9) : 0;
    if (c->status == 100) { c->head_size = 0; return; }
    const char *length = find_header(c->head, "content-length:");
    c->is_stream = header_has(c->head, "content-type:", "event-stream");
    c->closes = header_has(c->head, "connection:", "close");
    c->left = length ? strtoull(length, NULL, 10) : 0;
    if (header_has(c->head, "transfer-encoding:", "chunked")) c->part = CHUNK_SIZE;
    else c->part = length ? SIZED : UNTIL_CLOSE;
    if (c->part != SIZED || c->left) { c->head_size = 0; return; }
    end_reply(c);
}

static void end_line(struct conn *c) {
    if (c->part == HEAD) {
        if (c->head_size >= 4 && !memcmp(c->head + c->head_size - 4, "\r\n\r\n", 4)) read_head(c);
        return;
    }
    int empty = c->head_size <= 2;
    if (c->part == CHUNK_SIZE) {
        c->left = strtoull(c->head, NULL, 16);
        c->part = c->left ? CHUNK_DATA : TRAILER;
    } else if (c->part == CHUNK_END) c->part = CHUNK_SIZE;
    c->head_size = 0;
    if (c->part == TRAILER && empty) end_reply(c);
}

static void take(struct conn *c, const char *data, size_t size) {
    for (const char *end = data + size; data < end && c->busy;) {
        size_t room = (size_t)(end - data);
        if (c->part == SIZED || c->part == CHUNK_DATA || c->part == UNTIL_CLOSE) {
            size_t part = c->part == UNTIL_CLOSE || c->left > room ? room : (size_t)c->left;
            read_body(c, data, part);
            data += part;
            if (c->part == UNTIL_CLOSE) continue;
            c->left -= part;
            if (!c->left && c->part == SIZED) end_reply(c);
            else if (!c->left) c->part = CHUNK_END;
            continue;
        }
        if (c->head_size == HEAD_MAX) { lose(c); return; }
        c->head[c->head_size++] = *data;
        c->head[c->head_size] = 0;
        if (*data++ == '\n') end_line(c);
    }
}

static void serve(struct conn *c, uint32_t what) {
    if (c->fd < 0) return;
    if (what & EPOLLOUT) send_rest(c);
    if (!(what & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t size = recv(c->fd, scratch, sizeof scratch, 0);
    if (size < 0 && errno == EAGAIN) return;
    seen_at = now_ns();
    if (size > 0) take(c, scratch, (size_t)size);
    else if (c->busy && c->part == UNTIL_CLOSE && size == 0) { c->closes = 1; end_reply(c); }
    else lose(c);
}

/* -- the run ----------------------------------------------------------------------------------------------------- */

/* Begin what is due; wake up for the next. */
static void launch(void) {
    uint64_t now = now_ns();
    double pace = asked.rate ? asked.rate : asked.ramp;
    uint64_t interval = pace ? (uint64_t)(1e9 / pace) : 0;
    while (idle && !stopping && next_due <= now && (asked.rate || launched < asked.connections)) {
        struct conn *c = idle;
        idle = c->next_idle;
        launched++;
        ask(c, next_due);
        next_due += interval;
    }
    uint64_t wait = next_due > now ? next_due - now : 1000;
    if (wait > 1000000) wait = 1000000;     /* the clock of the run is looked at every millisecond */
    struct itimerspec at = {.it_value = {.tv_nsec = (long)wait}};
    timerfd_settime(timer_fd, 0, &at, NULL);
}

static void say(const char *what) {
    puts(what);
    fflush(stdout);
}

/* Move through warm-up, measured time and the wait for what is still running; true at the end. */
static int run_is_over(void) {
    static uint64_t ready_at;
    uint64_t now = now_ns();
    int all = asked.rate > 0 || answered >= asked.connections || now - start > (uint64_t)30e9;
    if (!ready_at && all) ready_at = now;
    if (!steady_at && ready_at && now - ready_at >= (uint64_t)(asked.warm * 1e9)) {
        flow(0);
        steady_at = now;
        measuring = 1;
        say("steady");
    }
    if (measuring && now - steady_at >= (uint64_t)(asked.seconds * 1e9)) {
        flow(0);
        flowing_at_end = flowing;
        measuring = 0;
        stopping = 1;
        end_at = now;
        say("end");
    }
    if (!stopping) return 0;
    if (asked.drop) { getchar(); return 1; }
    if (now - end_at > (uint64_t)(asked.grace * 1e9)) return 1;
    for (int i = 0; i < asked.connections; i++)
        if (conns[i].busy) return 0;
    return 1;
}

static void read_arguments(int argc, char **argv) {
    struct { const char *name; double *value; } numbers[] = {
        {"warm", &asked.warm}, {"seconds", &asked.seconds}, {"rate", &asked.rate}, {"ramp", &asked.ramp},
        {"grace", &asked.grace},
    };
    asked.port = atoi(argv[1]);
    for (int i = 3; i < argc; i++) {
        int drop = !strcmp(argv[i], "drop");
        if (drop || !strcmp(argv[i], "once")) { asked.once = 1; asked.drop = drop; continue; }
        if (i + 1 == argc) die(argv[i]);
        if (!strcmp(argv[i], "connections")) asked.connections = atoi(argv[i + 1]);
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            if (!strcmp(argv[i], numbers[n].name)) *numbers[n].value = atof(argv[i + 1]);
        i++;
    }
    FILE *file = fopen(argv[2], "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about)) die(argv[2]);
    request = need(malloc((size_t)about.st_size + 1));
    request_size = fread(request, 1, (size_t)about.st_size, file);
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc < 3) { fprintf(stderr, "usage: client PORT FILE [connections N] [seconds S] …\n"); return 2; }
    static int timer_mark;
    more_files();
    read_arguments(argc, argv);
    conns = need(calloc((size_t)asked.connections, sizeof *conns));
    for (int i = asked.connections - 1; i >= 0; i--) {
        conns[i].fd = -1;
        conns[i].next_idle = idle;
        idle = &conns[i];
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch_fd(epoll_fd, EPOLL_CTL_ADD, timer_fd, EPOLLIN, &timer_mark);
    start = next_due = now_ns();
    launch();
    for (struct epoll_event events[512];;) {
        int count = epoll_wait(epoll_fd, events, 512, 1000);
        for (int i = 0; i < count; i++) {
            uint64_t ticks;
            if (events[i].data.ptr != &timer_mark) serve(events[i].data.ptr, events[i].events);
            else if (read(timer_fd, &ticks, sizeof ticks) > 0) launch();
        }
        if (asked.rate) launch();
        if (run_is_over()) break;
    }
    if (steady_at && end_at) seen_at = end_at;
    report();
    return 0;
}
