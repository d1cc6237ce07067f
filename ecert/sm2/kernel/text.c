/* Base-41, the text of a licence's QR code (ecert/qr.py defines it): a whole verification spends a tenth of its time on
 * it in Python. */
#include "sm2.h"

static const char ALPHABET[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+-/*.";
enum { BASE = sizeof ALPHABET - 1, NO_DIGIT = 255 };
static uint8_t digits[256];

void base41_prepare(void) {
    for (int i = 0; i < 256; i++) digits[i] = NO_DIGIT;
    for (uint8_t i = 0; i < BASE; i++) digits[(uint8_t)ALPHABET[i]] = i;
}

bool base41_read(uint8_t *out, const uint8_t *text, size_t length) {
    if (length % 3 == 1) return false;
    for (size_t at = 0; at < length; at += 3) {
        bool pair = length - at >= 3;
        unsigned low = digits[text[at]], middle = digits[text[at + 1]], high = pair ? digits[text[at + 2]] : 0;
        unsigned value = low + BASE * middle + BASE * BASE * high;
        if (low == NO_DIGIT || middle == NO_DIGIT || high == NO_DIGIT || value > (pair ? 0xFFFFu : 0xFFu)) return false;
        if (pair) *out++ = (uint8_t)(value >> 8);
        *out++ = (uint8_t)value;
    }
    return true;
}
