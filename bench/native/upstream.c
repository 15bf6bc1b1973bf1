/*
 * The upstream of the benchmark: a model server that costs next to nothing.
 *
 *     upstream PORT DIR          (127.0.0.1; prints "ready" once it listens)
 *
 * DIR holds NAME.json, served whole, and NAME.sse, served as streams. The request's "model" chooses:
 *
 *     NAME                       the whole reply NAME.json
 *     NAME-RATE-COUNT            NAME.sse: COUNT events, RATE a second, each by a write of its own
 *     NAME-0-COUNT               the same events in one write
 *
 * A stream file has an opening event, content events that are taken in turn, and after a line "%%" the closing events.
 * Sixteen '@' in an event become the time of its writing (CLOCK_MONOTONIC, microseconds).
 * Request bodies are read and thrown away, sized or chunked, of any length. Any GET is answered with an empty list.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"

enum { MAX_REPLIES = 64, MAX_EVENTS = 1024, HEAD_MAX = 16384, NAME_MAX_LEN = 96, SLOTS = 2048, STAMP = 16, STAMPS = 4 };

struct frame { char *data; size_t size, stamps[STAMPS]; int stamp_count; /* where the time goes */ };

struct reply {
    char name[NAME_MAX_LEN];
    struct frame whole;                    /* head and body, ready to write; nothing for a stream */
    struct frame opening, content[MAX_EVENTS], closing;
    int contents;
};

/* What the next byte of the request is part of. */
enum state { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, REPLYING };

struct conn {
    int fd;
    enum state state;
    int watching_out, closing_after;
    char head[HEAD_MAX]; size_t head_size;
    unsigned long long left;               /* bytes of the body, or of the chunk, still to come */
    int is_get, expects_continue;
    int found;                             /* characters of "model" matched; FOUND_* beyond that */
    char model[NAME_MAX_LEN]; size_t model_size;
    char *pending; size_t pending_size, pending_sent, pending_room;
    const struct reply *stream; int sent, count;
    uint64_t due, interval;                /* microseconds */
    struct conn *next, **prev;             /* in its slot of the wheel */
};

static struct reply replies[MAX_REPLIES];
static int reply_count, epoll_fd, timer_fd, streaming;
static struct conn *wheel[SLOTS];
static uint64_t wheel_at;                  /* the last millisecond that was served */
static char scratch[1 << 18];

static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";
static const char LAST_CHUNK[] = "0\r\n\r\n";
static const char LIST[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
                           "{\"object\":\"list\",\"data\":[]}";
static const char UNKNOWN[] = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 46\r\n\r\n"
                              "{\"error\":{\"message\":\"bench: no such model\"   }}";

/* -- the replies ------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about)) die(path);
    char *data = need(malloc((size_t)about.st_size + 1));
    *size = fread(data, 1, (size_t)about.st_size, file);
    data[*size] = 0;
    fclose(file);
    return data;
}

static void find_stamps(struct frame *frame) {
    char *at = frame->data, *end = frame->data + frame->size;
    while (frame->stamp_count < STAMPS && (at = memmem(at, (size_t)(end - at), "@@@@@@@@@@@@@@@@", STAMP))) {
        frame->stamps[frame->stamp_count++] = (size_t)(at - frame->data);
        at += STAMP;
    }
}

/* One HTTP chunk that holds some events. */
static struct frame make_frame(const char *data, size_t size) {
    struct frame frame = {.data = need(malloc(size + 32))};
    int head = sprintf(frame.data, "%zx\r\n", size);
    memcpy(frame.data + head, data, size);
    memcpy(frame.data + head + size, "\r\n", 2);
    frame.size = (size_t)head + size + 2;
    find_stamps(&frame);
    return frame;
}

static void load_stream(struct reply *reply, char *data) {
    char *closing = strstr(data, "%%\n");
    if (!closing) die("a stream file has a line %%");
    reply->closing = make_frame(closing + 3, strlen(closing + 3));
    int events = 0;
    for (char *at = data, *end; at < closing && (end = strstr(at, "\n\n")); at = end + 2, events++) {
        struct frame frame = make_frame(at, (size_t)(end + 2 - at));
        if (events == 0) reply->opening = frame;
        else if (reply->contents < MAX_EVENTS) reply->content[reply->contents++] = frame;
    }
    if (!reply->contents) die("a stream file has content events");
}

static void load_whole(struct frame *whole, const char *body, size_t size) {
    static const char HEAD_FORM[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n";
    whole->data = need(malloc(size + sizeof HEAD_FORM + 32));
    int head = sprintf(whole->data, HEAD_FORM, size);
    memcpy(whole->data + head, body, size);
    whole->size = (size_t)head + size;
    find_stamps(whole);
}

static void load_replies(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) die(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || (strcmp(dot, ".json") && strcmp(dot, ".sse"))) continue;
        if (reply_count == MAX_REPLIES) die("too many replies");
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct reply *reply = &replies[reply_count++];
        snprintf(reply->name, sizeof reply->name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
        size_t size;
        char *data = read_file(path, &size);
        if (!strcmp(dot, ".sse")) load_stream(reply, data);
        else load_whole(&reply->whole, data, size);
        free(data);
    }
    closedir(dir);
}

static const struct reply *find_reply(const char *name, size_t size) {
    for (int i = 0; i < reply_count; i++)
        if (strlen(replies[i].name) == size && !memcmp(replies[i].name, name, size)) return &replies[i];
    return NULL;
}

/* -- writing ----------------------------------------------------------------------------------------------------- */

static void watch(struct conn *c, int out) {
    if (c->watching_out == out) return;
    c->watching_out = out;
    watch_fd(epoll_fd, EPOLL_CTL_MOD, c->fd, EPOLLIN | (out ? EPOLLOUT : 0), c);
}

/* Write now what the socket takes, keep the rest. */
static void put(struct conn *c, const char *data, size_t size) {
    ssize_t done = 0;
    if (c->pending_sent == c->pending_size) {
        c->pending_sent = c->pending_size = 0;
        done = send(c->fd, data, size, MSG_NOSIGNAL);
        if (done < 0) done = 0;            /* a lost connection is seen by the next read */
    }
    size_t rest = size - (size_t)done;
    if (!rest) return;
    if (c->pending_size + rest > c->pending_room) {
        c->pending_room = (c->pending_size + rest) * 2;
        c->pending = need(realloc(c->pending, c->pending_room));
    }
    memcpy(c->pending + c->pending_size, data + done, rest);
    c->pending_size += rest;
    watch(c, 1);
}

static void flush(struct conn *c) {
    ssize_t done = send(c->fd, c->pending + c->pending_sent, c->pending_size - c->pending_sent, MSG_NOSIGNAL);
    if (done > 0) c->pending_sent += (size_t)done;
    if (c->pending_sent == c->pending_size) watch(c, 0);
}

static void stamp(char *data, const struct frame *frame) {
    char digits[STAMP + 1];
    if (!frame->stamp_count) return;
    snprintf(digits, sizeof digits, "%016llu", (unsigned long long)now_us() % 10000000000000000ULL);
    for (int i = 0; i < frame->stamp_count; i++) memcpy(data + frame->stamps[i], digits, STAMP);
}

static char *add_frame(char *at, const struct frame *frame) {
    memcpy(at, frame->data, frame->size);
    stamp(at, frame);
    return at + frame->size;
}

static char *add_text(char *at, const char *text) {
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

/* -- paced streams: a wheel of milliseconds ---------------------------------------------------------------------- */

static void unplan(struct conn *c) {
    if (!c->prev) return;
    *c->prev = c->next;
    if (c->next) c->next->prev = c->prev;
    c->prev = NULL;
}

static void plan(struct conn *c) {
    uint64_t slot = c->due / 1000 + 1;     /* never early */
    if (slot <= wheel_at) slot = wheel_at + 1;
    struct conn **head = &wheel[slot % SLOTS];
    c->next = *head;
    c->prev = head;
    if (c->next) c->next->prev = &c->next;
    *head = c;
}

static void end_stream(struct conn *c) {
    if (!c->stream) return;
    unplan(c);
    c->stream = NULL;
    if (--streaming == 0) set_ticks(timer_fd, 0);
}

static void next_event(struct conn *c) {
    const struct reply *r = c->stream;
    char *end = add_frame(scratch, &r->content[c->sent % r->contents]);
    put(c, scratch, (size_t)(end - scratch));
    if (++c->sent >= c->count) {
        end_stream(c);
        end = add_text(add_frame(scratch, &r->closing), LAST_CHUNK);
        put(c, scratch, (size_t)(end - scratch));
        c->state = HEAD;
        return;
    }
    c->due += c->interval;
    plan(c);
}

static void serve_wheel(void) {
    uint64_t now = now_us() / 1000;
    if (now - wheel_at > SLOTS - 1) wheel_at = now - (SLOTS - 1);
    while (wheel_at < now) {
        wheel_at++;
        struct conn *c = wheel[wheel_at % SLOTS], *next;
        wheel[wheel_at % SLOTS] = NULL;
        for (; c; c = next) {
            next = c->next;
            c->prev = NULL;
            if (c->due / 1000 + 1 > wheel_at + SLOTS / 2) plan(c);
            else next_event(c);
        }
    }
}

static void start_stream(struct conn *c, const struct reply *r, long rate, int count) {
    char *end = add_frame(add_text(scratch, STREAM_HEAD), &r->opening);
    if (!rate) {
        for (int i = 0; i < count && (size_t)(end - scratch) < sizeof scratch / 2; i++)
            end = add_frame(end, &r->content[i % r->contents]);
        end = add_text(add_frame(end, &r->closing), LAST_CHUNK);
        put(c, scratch, (size_t)(end - scratch));
        return;
    }
    put(c, scratch, (size_t)(end - scratch));
    uint64_t now = now_us();
    if (streaming++ == 0) {
        wheel_at = now / 1000;
        set_ticks(timer_fd, 1000);
    }
    c->stream = r;
    c->sent = 0;
    c->count = count;
    c->interval = 1000000ULL / (uint64_t)rate;
    c->due = now + c->interval;
    c->state = REPLYING;
    plan(c);
}

/* -- requests ---------------------------------------------------------------------------------------------------- */

static void answer(struct conn *c) {
    c->state = HEAD;
    c->head_size = 0;
    if (c->is_get) { put(c, LIST, sizeof LIST - 1); return; }
    const struct reply *reply = find_reply(c->model, c->model_size);
    if (reply && reply->whole.data) {
        stamp(reply->whole.data, &reply->whole);
        put(c, reply->whole.data, reply->whole.size);
        return;
    }
    char name[NAME_MAX_LEN + 1];
    memcpy(name, c->model, c->model_size);
    name[c->model_size] = 0;
    char *count = strrchr(name, '-'), *rate = NULL;
    if (count) { *count++ = 0; rate = strrchr(name, '-'); }
    if (rate) { *rate++ = 0; reply = find_reply(name, strlen(name)); }
    if (reply && !reply->whole.data) start_stream(c, reply, atol(rate), atoi(count));
    else put(c, UNKNOWN, sizeof UNKNOWN - 1);
}

/* Find "model": "…" in the bytes of the body as they come: the name, once. */
static void look_for_model(struct conn *c, const char *data, size_t size) {
    static const char KEY[] = "\"model\"";
    enum { COLON = sizeof KEY - 1, NAME, DONE };
    for (const char *end = data + size; data < end && c->found != DONE; data++) {
        if (c->found == NAME) {
            if (*data == '"' || c->model_size == NAME_MAX_LEN - 1) c->found = DONE;
            else c->model[c->model_size++] = *data;
        } else if (c->found == COLON) {
            if (*data == '"') c->found = NAME;
            else if (*data != ':' && *data != ' ') c->found = 0;
        } else if (c->found == 0) {
            data = memchr(data, '"', (size_t)(end - data));
            if (!data) return;
            c->found = 1;
        } else {
            c->found = *data == KEY[c->found] ? c->found + 1 : *data == '"';
        }
    }
}

static void begin_request(struct conn *c) {
    static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
    c->found = 0;
    c->model_size = 0;
    c->is_get = !strncmp(c->head, "GET ", 4);
    c->closing_after = header_has(c->head, "connection:", "close");
    if (header_has(c->head, "expect:", "100-continue")) put(c, CONTINUE, sizeof CONTINUE - 1);
    const char *length = find_header(c->head, "content-length:");
    c->left = length ? strtoull(length, NULL, 10) : 0;
    if (header_has(c->head, "transfer-encoding:", "chunked")) c->state = CHUNK_SIZE;
    else c->state = BODY;
    c->head_size = 0;
}

/* A line of the request: true when it is complete in c->head, its end cut off. */
static int take_line(struct conn *c, char byte) {
    if (c->head_size == HEAD_MAX - 1) c->head_size = 0;
    c->head[c->head_size++] = byte;
    if (byte != '\n') return 0;
    c->head[c->head_size] = 0;
    return 1;
}

static void end_line(struct conn *c) {
    if (c->state == HEAD) {
        if (c->head_size >= 4 && !memcmp(c->head + c->head_size - 4, "\r\n\r\n", 4)) begin_request(c);
        if (c->state == BODY && !c->left) answer(c);
        return;
    }
    int empty = c->head_size <= 2;
    c->head_size = 0;
    if (c->state == CHUNK_SIZE) {
        c->left = strtoull(c->head, NULL, 16);
        c->state = c->left ? CHUNK_DATA : TRAILER;
    } else if (c->state == CHUNK_END) c->state = CHUNK_SIZE;
    else if (empty) answer(c);             /* the trailer's end */
}

static void take(struct conn *c, const char *data, size_t size) {
    for (const char *end = data + size; data < end;) {
        if (c->state == BODY || c->state == CHUNK_DATA) {
            size_t part = c->left < (size_t)(end - data) ? (size_t)c->left : (size_t)(end - data);
            look_for_model(c, data, part);
            data += part;
            c->left -= part;
            if (!c->left && c->state == BODY) answer(c);
            else if (!c->left) c->state = CHUNK_END;
        } else if (c->state == REPLYING) return; /* nothing is pipelined behind a stream */
        else if (take_line(c, *data++)) end_line(c);
    }
}

static void drop(struct conn *c) {
    end_stream(c);
    close(c->fd);
    free(c->pending);
    free(c);
}

static void serve(struct conn *c, uint32_t what) {
    if (what & EPOLLOUT) flush(c);
    if (!(what & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t size = recv(c->fd, scratch, sizeof scratch, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) { drop(c); return; }
    static char request[sizeof scratch];   /* a reply is made in `scratch` while the request is read */
    memcpy(request, scratch, (size_t)size);
    take(c, request, (size_t)size);
    if (c->closing_after && c->state == HEAD && c->pending_sent == c->pending_size) drop(c);
}

static void accept_all(int server) {
    for (int fd; (fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct conn *c = need(calloc(1, sizeof *c));
        c->fd = fd;
        no_delay(fd);
        watch_fd(epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: upstream PORT DIR\n"); return 2; }
    static int server_mark, timer_mark;
    more_files();
    load_replies(argv[2]);
    int server = listen_on(atoi(argv[1]));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch_fd(epoll_fd, EPOLL_CTL_ADD, server, EPOLLIN, &server_mark);
    watch_fd(epoll_fd, EPOLL_CTL_ADD, timer_fd, EPOLLIN, &timer_mark);
    puts("ready");
    fflush(stdout);
    for (struct epoll_event events[512];;) {
        int count = epoll_wait(epoll_fd, events, 512, -1);
        for (int i = 0; i < count; i++) {
            void *mark = events[i].data.ptr;
            uint64_t ticks;
            if (mark == &server_mark) accept_all(server);
            else if (mark != &timer_mark) serve(mark, events[i].events);
            else if (read(timer_fd, &ticks, sizeof ticks) > 0) serve_wheel();
        }
    }
}
