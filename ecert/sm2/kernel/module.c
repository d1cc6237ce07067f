/* The Python side: arguments in, one code a signature out. Bytes objects only; what is wrong with a call raises. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "stable_abi.h"

static const char KEY[] = "ecert.sm2.key";

static PyObject *refuse(PyObject *type, const char *message) {
    PyErr_SetString(type, message);
    return NULL;
}

static bool take_bytes(PyObject *object, const uint8_t **bytes, size_t *length) {
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(object, &data, &size) < 0) return false;
    *bytes = (const uint8_t *)data;
    *length = (size_t)size;
    return true;
}

static bool take_exactly(PyObject *object, const uint8_t **bytes, size_t wanted) {
    size_t length;
    if (!take_bytes(object, bytes, &length)) return false;
    if (length != wanted) PyErr_SetString(PyExc_ValueError, "an argument has the wrong length");
    return length == wanted;
}

static void destroy(PyObject *capsule) {
    key *known = PyCapsule_GetPointer(capsule, KEY);
    key_forget(known);
    free(known);
}

static PyObject *load_key(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    const uint8_t *point;
    if (count != 1) return refuse(PyExc_TypeError, "load_key(point)");
    if (!take_exactly(arguments[0], &point, 65)) return NULL;
    key *known = malloc(sizeof *known);
    if (!known) return PyErr_NoMemory();
    if (!key_read(known, point)) {
        free(known);
        return refuse(PyExc_ValueError, "not a point of the SM2 curve");
    }
    PyObject *capsule = PyCapsule_New(known, KEY, destroy);
    if (!capsule) free(known);
    return capsule;
}

/* One question: whose, which bytes, and over what. `head` is NULL where `data` is e already. */
typedef struct {
    claim claimed;
    key *known;
    table *multiples;
    const uint8_t *signature, *head, *data;
    size_t signature_length, data_length;
} question;

/* (key, signature, data, z): z is None for the default user ID, 32 bytes for another's, empty where data is e. */
static bool take_question(question *out, PyObject *const parts[4]) {
    size_t head_length;
    *out = (question){0};
    out->known = PyCapsule_GetPointer(parts[0], KEY);
    if (!out->known || !take_bytes(parts[1], &out->signature, &out->signature_length)) return false;
    if (!take_bytes(parts[2], &out->data, &out->data_length)) return false;
    if (parts[3] == &_Py_NoneStruct) {
        out->head = out->known->z;
        return true;
    }
    if (!take_bytes(parts[3], &out->head, &head_length)) return false;
    if (head_length == 0) out->head = NULL;
    bool sound = head_length == 32 || (head_length == 0 && out->data_length == 32);
    if (!sound) PyErr_SetString(PyExc_ValueError, "z has 32 bytes, or none where e of 32 bytes is given");
    return sound;
}

/* Reads the signature and e; false where it is malformed. */
static bool prepare(question *asked, bool raw) {
    claim *claimed = &asked->claimed;
    uint8_t digest[32];
    claimed->point = &asked->known->point;
    claimed->multiples = asked->multiples;
    if (!read_signature(&claimed->r, &claimed->s, &claimed->t, asked->signature, asked->signature_length, raw))
        return false;
    if (asked->head) sm3(digest, asked->head, asked->data, asked->data_length);
    else memcpy(digest, asked->data, 32);
    u256_from_bytes(&claimed->e, digest);
    return true;
}

static PyObject *verify(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    question asked;
    if (count != 5) return refuse(PyExc_TypeError, "verify(key, signature, data, z, raw)");
    int raw = PyObject_IsTrue(arguments[4]);
    if (raw < 0 || !take_question(&asked, arguments)) return NULL;
    key_use(asked.known);
    base_use(1);
    asked.multiples = table_borrow(asked.known);
    table *base = base_borrow();
    void *state = PyEval_SaveThread();
    long answer = SM2_MALFORMED;
    if (prepare(&asked, raw)) answer = claim_fits(&asked.claimed, base) ? SM2_FITS : SM2_DOES_NOT_FIT;
    PyEval_RestoreThread(state);
    table_return(asked.multiples);
    table_return(base);
    return PyLong_FromLong(answer);
}

/* Rooms to work in that are free now, so that a batch need not ask the system for one. Touched under the GIL. */
enum { IDLE_MAX = 8 };
static workspace *idle[IDLE_MAX];
static int idle_count;

static workspace *room_take(void) { return idle_count ? idle[--idle_count] : workspace_make(); }

static void room_return(workspace *room) {
    if (idle_count < IDLE_MAX && room) idle[idle_count++] = room;
    else free(room);
}

/* What a batch needs, beside its questions. */
typedef struct {
    workspace *space;
    question *asked;
    const claim **claims;
    uint8_t **places, *answers;
    size_t count;
} batch;

static bool batch_make(batch *out, size_t count) {
    size_t room = count ? count : 1;
    *out = (batch){room_take(), malloc(room * sizeof(question)), malloc(room * sizeof(claim *)), malloc(room * sizeof(uint8_t *)),
                   calloc(room, 1), count};
    return out->space && out->asked && out->claims && out->places && out->answers;
}

static void batch_free(batch *many) {
    room_return(many->space);
    free(many->asked);
    free((void *)many->claims);
    free((void *)many->places);
    free(many->answers);
}

static bool batch_take(batch *many, PyObject *items) {
    for (size_t i = 0; i < many->count; i++) {
        PyObject *item = PyTuple_GetItem(items, (Py_ssize_t)i), *parts[4];
        if (PyTuple_Size(item) != 4) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "an item is (key, signature, data, z)");
            return false;
        }
        for (int j = 0; j < 4; j++) parts[j] = PyTuple_GetItem(item, j);
        if (!take_question(&many->asked[i], parts)) return false;
    }
    return true;
}

static void batch_answer(batch *many, bool raw, const table *base) {
    size_t sound = 0;
    for (size_t i = 0; i < many->count; i++) {
        many->answers[i] = SM2_MALFORMED;
        if (!prepare(&many->asked[i], raw)) continue;
        many->claims[sound] = &many->asked[i].claimed;
        many->places[sound++] = &many->answers[i];
    }
    claims_fit(many->space, many->claims, sound, base, many->places);
}

static PyObject *batch_run(batch *many, bool raw) {
    for (size_t i = 0; i < many->count; i++) key_use(many->asked[i].known);
    base_use(many->count);
    for (size_t i = 0; i < many->count; i++) many->asked[i].multiples = table_borrow(many->asked[i].known);
    table *base = base_borrow();
    void *state = PyEval_SaveThread();
    batch_answer(many, raw, base);
    PyEval_RestoreThread(state);
    for (size_t i = 0; i < many->count; i++) table_return(many->asked[i].multiples);
    table_return(base);
    return PyBytes_FromStringAndSize((const char *)many->answers, (Py_ssize_t)many->count);
}

static PyObject *verify_many(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    if (count != 2) return refuse(PyExc_TypeError, "verify_many(items, raw)");
    int raw = PyObject_IsTrue(arguments[1]);
    PyObject *items = raw < 0 ? NULL : PySequence_Tuple(arguments[0]); /* of our own: nobody changes it meanwhile */
    if (!items) return NULL;
    batch many;
    PyObject *result = NULL;
    if (!batch_make(&many, (size_t)PyTuple_Size(items))) PyErr_NoMemory();
    else if (batch_take(&many, items)) result = batch_run(&many, raw);
    batch_free(&many);
    Py_DecRef(items);
    return result;
}

/* probe(point, signature, e, window): one raw signature checked with fresh tables of that window for both points, and
 * in a batch with them; window 0 for no table. Raises where the two differ. For the self-test and for tests. */
static PyObject *probe(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    const uint8_t *point, *signature, *e;
    size_t length;
    claim claimed = {0};
    affine parsed;
    if (count != 4) return refuse(PyExc_TypeError, "probe(point, signature, e, window)");
    if (!take_exactly(arguments[0], &point, 65) || !take_bytes(arguments[1], &signature, &length)) return NULL;
    if (!take_exactly(arguments[2], &e, 32)) return NULL;
    long window = PyLong_AsLong(arguments[3]);
    if (window != 0 && (window < WINDOW_MIN || window > WINDOW_MAX)) return refuse(PyExc_ValueError, "no such window");
    if (!read_point(&parsed, point)) return refuse(PyExc_ValueError, "not a point of the SM2 curve");
    if (!read_signature(&claimed.r, &claimed.s, &claimed.t, signature, length, true))
        return PyLong_FromLong(SM2_MALFORMED);
    u256_from_bytes(&claimed.e, e);
    table *multiples = window ? table_build(&parsed, (unsigned)window) : NULL;
    table *base = table_build(&GROUP_G, window ? (unsigned)window : WINDOW_MIN);
    const claim *claims[1] = {&claimed};
    uint8_t answer = 0, *answers[1] = {&answer};
    claimed.point = &parsed;
    claimed.multiples = multiples;
    workspace *space = room_take();
    bool done = base && space && (multiples || !window);
    if (done) claims_fit(space, claims, 1, base, answers);
    long alone = done && claim_fits(&claimed, base) ? SM2_FITS : SM2_DOES_NOT_FIT;
    room_return(space);
    free(multiples);
    free(base);
    if (!done) return PyErr_NoMemory();
    return alone == answer ? PyLong_FromLong(alone) : refuse(PyExc_ValueError, "alone and in a batch differ");
}

/* field(operation, a, b) in Montgomery form, 32 bytes each: for tests against Python's integers. */
static PyObject *field(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    const uint8_t *bytes[2];
    u256 a, b, out;
    uint8_t result[32];
    if (count != 3) return refuse(PyExc_TypeError, "field(operation, a, b)");
    long operation = PyLong_AsLong(arguments[0]);
    if (!take_exactly(arguments[1], &bytes[0], 32) || !take_exactly(arguments[2], &bytes[1], 32)) return NULL;
    u256_from_bytes(&a, bytes[0]);
    u256_from_bytes(&b, bytes[1]);
    if (!u256_less(&a, &FIELD_P) || !u256_less(&b, &FIELD_P)) return refuse(PyExc_ValueError, "not below p");
    switch (operation) {
    case '+': field_add(&out, &a, &b); break;
    case '-': field_sub(&out, &a, &b); break;
    case '*': field_mul(&out, &a, &b); break;
    case '2': field_square(&out, &a); break;
    case 'i': field_invert(&out, &a); break;
    default: return refuse(PyExc_ValueError, "no such operation");
    }
    u256_to_bytes(result, &out);
    return PyBytes_FromStringAndSize((const char *)result, 32);
}

static PyObject *digest(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    const uint8_t *data;
    size_t length;
    uint8_t result[32];
    if (count != 1) return refuse(PyExc_TypeError, "sm3(data)");
    if (!take_bytes(arguments[0], &data, &length)) return NULL;
    sm3(result, NULL, data, length);
    return PyBytes_FromStringAndSize((const char *)result, 32);
}

/* base41(text): the bytes it says, None where it is not base-41; the caller knows how to say why. */
static PyObject *base41(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    const uint8_t *text;
    size_t length;
    uint8_t result[4096];
    if (count != 1) return refuse(PyExc_TypeError, "base41(text)");
    if (!take_bytes(arguments[0], &text, &length)) return NULL;
    if (base41_length(length) <= sizeof result && base41_read(result, text, length))
        return PyBytes_FromStringAndSize((const char *)result, (Py_ssize_t)base41_length(length));
    Py_IncRef(&_Py_NoneStruct);
    return &_Py_NoneStruct;
}

static PyObject *memory(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module, (void)arguments, (void)count;
    return PyLong_FromSize_t(tables_memory());
}

static PyObject *tables(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module, (void)arguments, (void)count;
    return PyLong_FromSize_t(tables_count());
}

static PyObject *set_limit(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    if (count != 1) return refuse(PyExc_TypeError, "set_limit(bytes)");
    size_t bytes = PyLong_AsSize_t(arguments[0]);
    if (PyErr_Occurred()) return NULL;
    tables_limit(bytes);
    return memory(NULL, NULL, 0);
}

static PyMethodDef methods[] = {
    {"load_key", load_key, METH_FASTCALL, "load_key(point): a public key of 65 bytes, checked."},
    {"verify", verify, METH_FASTCALL, "verify(key, signature, data, z, raw): 1 fits, 2 does not, 3 malformed."},
    {"verify_many", verify_many, METH_FASTCALL, "verify_many([(key, signature, data, z)], raw): one code a byte."},
    {"probe", probe, METH_FASTCALL, "probe(point, signature, e, window): as verify, by tables of that window."},
    {"field", field, METH_FASTCALL, "field(operation, a, b): the field's arithmetic."},
    {"sm3", digest, METH_FASTCALL, "sm3(data): its digest."},
    {"base41", base41, METH_FASTCALL, "base41(text): the bytes that base-41 text says; None where it is not that."},
    {"memory", memory, METH_FASTCALL, "memory(): bytes in tables of keys."},
    {"tables", tables, METH_FASTCALL, "tables(): how many keys have one."},
    {"set_limit", set_limit, METH_FASTCALL, "set_limit(bytes): the bound for tables of keys."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    .base = {.object = {1, NULL}},
    .name = "_verify",
    .doc = "Verification of SM2 signatures, for public data only.",
    .size = -1,
    .methods = methods,
};

PY_EXPORT PyObject *PyInit__verify(void) {
    base41_prepare();
    if (!base_prepare()) return PyErr_NoMemory();
    return PyModule_Create2(&definition, PYTHON_ABI_VERSION);
}
