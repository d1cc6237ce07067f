/* The part of Python's stable ABI (PEP 384, of 3.11 and later) that this extension calls, declared here: it is frozen by
 * promise, and so no Python headers are needed to build, which many machines lack. */
#ifndef ECERT_STABLE_ABI_H
#define ECERT_STABLE_ABI_H

#include <stddef.h>

#ifdef _WIN32
#define PY_EXPORT __declspec(dllexport)
#define PY_DATA extern __declspec(dllimport)
#else
#define PY_EXPORT __attribute__((visibility("default")))
#define PY_DATA extern
#endif

typedef ptrdiff_t Py_ssize_t;
typedef struct {
    Py_ssize_t references;
    void *type;
} PyObject;

typedef PyObject *(*PyCFunctionFast)(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
typedef struct {
    const char *name;
    PyCFunctionFast function;
    int flags;
    const char *doc;
} PyMethodDef;
enum { METH_FASTCALL = 0x80 };

typedef struct {
    struct {
        PyObject object;
        PyObject *(*init)(void);
        Py_ssize_t index;
        PyObject *copy;
    } base;
    const char *name, *doc;
    Py_ssize_t size;
    PyMethodDef *methods;
    void *slots, *traverse, *clear, *free;
} PyModuleDef;

enum { PYTHON_ABI_VERSION = 3 };

PY_DATA PyObject _Py_NoneStruct;
PY_DATA PyObject *PyExc_ValueError, *PyExc_TypeError;

PyObject *PyModule_Create2(PyModuleDef *definition, int abi_version);
PyObject *PyErr_NoMemory(void);
PyObject *PyErr_Occurred(void);
void PyErr_SetString(PyObject *type, const char *message);
PyObject *PyBytes_FromStringAndSize(const char *bytes, Py_ssize_t length);
int PyBytes_AsStringAndSize(PyObject *object, char **bytes, Py_ssize_t *length);
PyObject *PyLong_FromLong(long value);
PyObject *PyLong_FromSize_t(size_t value);
long PyLong_AsLong(PyObject *object);
size_t PyLong_AsSize_t(PyObject *object);
int PyObject_IsTrue(PyObject *object);
PyObject *PySequence_Tuple(PyObject *object);
Py_ssize_t PyTuple_Size(PyObject *tuple);
PyObject *PyTuple_GetItem(PyObject *tuple, Py_ssize_t index); /* borrowed */
PyObject *PyCapsule_New(void *pointer, const char *name, void (*destructor)(PyObject *));
void *PyCapsule_GetPointer(PyObject *capsule, const char *name);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *state);
void Py_IncRef(PyObject *object);
void Py_DecRef(PyObject *object);

#endif
