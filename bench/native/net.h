/* What the upstream and the client of the benchmark share: sockets, epoll, time, and the little HTTP that both read. */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline void *need(void *memory) {
    if (!memory) die("memory");
    return memory;
}

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_us(void) { return now_ns() / 1000; }

static inline void no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* As many open files as the system allows. */
static inline void more_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static inline struct sockaddr_in local(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline int listen_on(int port) {
    struct sockaddr_in address = local(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) die("listen");
    return fd;
}

static inline void watch_fd(int epoll, int how, int fd, uint32_t events, void *mark) {
    struct epoll_event event = {.events = events, .data.ptr = mark};
    if (epoll_ctl(epoll, how, fd, &event)) die("epoll_ctl");
}

/* A timer that ticks every `micros`; 0 stops it. */
static inline void set_ticks(int timer, long micros) {
    struct timespec each = {.tv_sec = micros / 1000000, .tv_nsec = micros % 1000000 * 1000};
    struct itimerspec ticks = {.it_interval = each, .it_value = each};
    if (timerfd_settime(timer, 0, &ticks, NULL)) die("timerfd_settime");
}

/* The value of a header in a head that ends in a zero byte; `name` with its colon. */
static inline const char *find_header(const char *head, const char *name) {
    size_t size = strlen(name);
    for (const char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n'))
        if (!strncasecmp(line + 1, name, size)) return line + 1 + size;
    return NULL;
}

/* Whether a header's line has a word in it. */
static inline int header_has(const char *head, const char *name, const char *word) {
    const char *value = find_header(head, name);
    size_t size = strlen(word);
    for (; value && *value && *value != '\r'; value++)
        if (!strncasecmp(value, word, size)) return 1;
    return 0;
}

#endif
