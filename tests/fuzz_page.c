/* SPDX-License-Identifier: Apache-2.0 */
/* Map pages and directories: what is accepted is exactly what would be written. */
#include "tests/fuzz.h"

#include "transport/page_impl.h"
#include "transport/pagedir.h"

#include "base/banned.h"

/* The caller of a decoder knows region and size; here the bytes themselves say them. */
static uint32_t number_at(struct slice input, size_t at)
{
    struct buf_reader r = buf_reader(slice_of(input.data + at, input.len - at));

    return buf_get_u32le(&r);
}

static void same(struct slice input, const struct buf *again)
{
    if (again->len != input.len || memcmp(again->data, input.data, input.len) != 0)
        abort();
}

static void try_page(struct slice input)
{
    auto_page struct page *p = NULL;
    auto_buf struct buf again = {0};

    if (page_decode(input, number_at(input, 8), number_at(input, 12), &p, NULL) != 0)
        return;
    if (page_encode(p, &again, NULL) != 0)
        abort();
    same(input, &again);
}

/* Put over a page of zeroes; what comes of it must survive being written whole. */
static void try_difference(struct slice input)
{
    auto_page struct page *p = NULL;
    auto_page struct page *back = NULL;
    auto_buf struct buf whole = {0};
    uint32_t region = number_at(input, 8);
    uint32_t sectors = number_at(input, 12);

    if (page_new(region, sectors, &p, NULL) != 0 || page_apply(p, input, NULL) != 0)
        return;
    if (page_encode(p, &whole, NULL) != 0 ||
        page_decode(buf_slice(&whole), region, sectors, &back, NULL) != 0)
        abort();
}

static void try_directory(struct slice input)
{
    auto_pagedir struct pagedir *d = NULL;
    auto_buf struct buf again = {0};

    if (pagedir_decode(input, number_at(input, 8), number_at(input, 12), &d, NULL) != 0)
        return;
    if (pagedir_encode(d, &again, NULL) != 0)
        abort();
    same(input, &again);
}

static void fuzz_run(struct slice input)
{
    if (input.len < 16)
        return;
    try_page(input);
    try_difference(input);
    try_directory(input);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_page", argc, argv);
}
#endif
