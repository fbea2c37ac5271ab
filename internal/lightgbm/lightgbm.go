// Package lightgbm trains gradient boosted trees through the C API of
// LightGBM's shared library, without cgo.
//
// In come sparse rows and their labels, out comes the text of a model. The
// library keeps its own memory: every Dataset and Booster must be closed. A
// crash loses the training in hand and nothing else.
package lightgbm

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// ErrNoLibrary says that the shared library is not there.
var ErrNoLibrary = errors.New("LightGBM's library was not found")

const (
	typeFloat32 = 0
	typeFloat64 = 1
	typeInt32   = 2

	predictNormal        = 0
	predictContributions = 3
)

// Library is the loaded shared library. Boosters may be trained side by side,
// each by one goroutine that is tied to its thread.
type Library struct {
	lastError        func() string
	registerLog      func(uintptr) int32
	datasetFromCSR   func(indptr unsafe.Pointer, indptrType int32, indices, data unsafe.Pointer, dataType int32, nindptr, nelem, ncol int64, params string, ref uintptr, out *uintptr) int32
	datasetSetField  func(h uintptr, name string, data unsafe.Pointer, n int32, dataType int32) int32
	datasetFree      func(h uintptr) int32
	boosterCreate    func(train uintptr, params string, out *uintptr) int32
	boosterLoad      func(model string, iterations *int32, out *uintptr) int32
	boosterAddValid  func(h, valid uintptr) int32
	boosterUpdate    func(h uintptr, finished *int32) int32
	boosterEval      func(h uintptr, dataIndex int32, n *int32, out unsafe.Pointer) int32
	boosterToString  func(h uintptr, start, num, importance int32, bufferLen int64, outLen *int64, out unsafe.Pointer) int32
	boosterPredict   func(h uintptr, indptr unsafe.Pointer, indptrType int32, indices, data unsafe.Pointer, dataType int32, nindptr, nelem, ncol int64, predictType, start, num int32, params string, outLen *int64, out unsafe.Pointer) int32
	boosterFree      func(h uintptr) int32
	boosterCurrentIt func(h uintptr, out *int32) int32
}

// Open loads the shared library at path and ties the goroutine to its thread,
// because LightGBM keeps its log level, and its last error, by thread.
func Open(path string) (*Library, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: no path given; run `make lightgbm`, which brings it, and pass its path by --lightgbm-lib or LIGHTGBM_LIB", ErrNoLibrary)
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("%w at %q: %w; run `make lightgbm`, which brings it, and pass its path by --lightgbm-lib or LIGHTGBM_LIB (it also needs libgomp.so.1, Debian package libgomp1)", ErrNoLibrary, path, err)
	}
	runtime.LockOSThread()
	l := &Library{}
	for _, f := range []struct {
		target any
		name   string
	}{
		{&l.lastError, "LGBM_GetLastError"},
		{&l.registerLog, "LGBM_RegisterLogCallback"},
		{&l.datasetFromCSR, "LGBM_DatasetCreateFromCSR"},
		{&l.datasetSetField, "LGBM_DatasetSetField"},
		{&l.datasetFree, "LGBM_DatasetFree"},
		{&l.boosterCreate, "LGBM_BoosterCreate"},
		{&l.boosterLoad, "LGBM_BoosterLoadModelFromString"},
		{&l.boosterAddValid, "LGBM_BoosterAddValidData"},
		{&l.boosterUpdate, "LGBM_BoosterUpdateOneIter"},
		{&l.boosterEval, "LGBM_BoosterGetEval"},
		{&l.boosterToString, "LGBM_BoosterSaveModelToString"},
		{&l.boosterPredict, "LGBM_BoosterPredictForCSR"},
		{&l.boosterFree, "LGBM_BoosterFree"},
		{&l.boosterCurrentIt, "LGBM_BoosterGetCurrentIteration"},
	} {
		symbol, err := purego.Dlsym(handle, f.name)
		if err != nil {
			return nil, fmt.Errorf("%q is not LightGBM's library: %w", path, err)
		}
		purego.RegisterFunc(f.target, symbol)
	}
	return l, nil
}

func (l *Library) check(code int32, doing string) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("LightGBM: %s: %s", doing, strings.TrimSpace(l.lastError()))
}

// Rows are sparse rows: row i holds Values[Start[i]:Start[i+1]] in the columns
// Columns[Start[i]:Start[i+1]], which rise.
type Rows struct {
	Start   []int64
	Columns []int32
	Values  []float64
	Width   int // number of columns
}

// Len is the number of rows.
func (r *Rows) Len() int { return max(len(r.Start)-1, 0) }

// Row is where row i is not zero, and its values there.
func (r *Rows) Row(i int) (columns []int32, values []float64) {
	from, to := r.Start[i], r.Start[i+1]
	return r.Columns[from:to], r.Values[from:to]
}

// Append adds a row from its values; zeros are left out.
func (r *Rows) Append(row []float64) {
	if len(r.Start) == 0 {
		r.Start = append(r.Start, 0)
	}
	r.Width = len(row)
	for c, v := range row {
		if v != 0 {
			r.Columns = append(r.Columns, int32(c))
			r.Values = append(r.Values, v)
		}
	}
	r.Start = append(r.Start, int64(len(r.Values)))
}

// Reserve makes room for so many rows in all, as full as those that are there.
func (r *Rows) Reserve(rows int) {
	if n := r.Len(); n > 0 && rows > n {
		// A tenth more, because those to come may be a little fuller.
		more := len(r.Values) / n * (rows - n) * 11 / 10
		r.Columns, r.Values, r.Start = slices.Grow(r.Columns, more), slices.Grow(r.Values, more), slices.Grow(r.Start, rows-n)
	}
}

// Select copies the rows of the given numbers.
func (r *Rows) Select(rows []int) *Rows {
	values := int64(0)
	for _, i := range rows {
		values += r.Start[i+1] - r.Start[i]
	}
	out := &Rows{Width: r.Width, Start: make([]int64, 1, len(rows)+1), Columns: make([]int32, 0, values), Values: make([]float64, 0, values)}
	for _, i := range rows {
		columns, of := r.Row(i)
		out.Columns = append(out.Columns, columns...)
		out.Values = append(out.Values, of...)
		out.Start = append(out.Start, int64(len(out.Values)))
	}
	return out
}

func (r *Rows) pointers() (indptr, columns, values unsafe.Pointer) {
	return pointer(r.Start), pointer(r.Columns), pointer(r.Values)
}

// pointer is where a list begins, for the time of a call.
func pointer[T any](list []T) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(list))
}

const typeInt64 = 3

// Dataset is binned rows with their labels, in the library's memory.
type Dataset struct {
	lib    *Library
	handle uintptr
}

// NewDataset bins the rows. A validation set passes the training set as like,
// so that both share their bins.
func (l *Library) NewDataset(rows *Rows, labels []float32, params string, like *Dataset) (*Dataset, error) {
	if rows.Len() != len(labels) || rows.Len() == 0 {
		return nil, fmt.Errorf("LightGBM: %d rows and %d labels, need the same number above zero", rows.Len(), len(labels))
	}
	d := &Dataset{lib: l}
	var ref uintptr
	if like != nil {
		ref = like.handle
	}
	p, c, v := rows.pointers()
	err := l.check(l.datasetFromCSR(p, typeInt64, c, v, typeFloat64, int64(len(rows.Start)), int64(len(rows.Values)), int64(rows.Width), params, ref, &d.handle), "create dataset")
	runtime.KeepAlive(rows)
	if err != nil {
		return nil, err
	}
	err = l.check(l.datasetSetField(d.handle, "label", pointer(labels), int32(len(labels)), typeFloat32), "set labels")
	runtime.KeepAlive(labels)
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Weigh gives each row a weight; without it all have 1.
func (d *Dataset) Weigh(weights []float32) error {
	err := d.lib.check(d.lib.datasetSetField(d.handle, "weight", pointer(weights), int32(len(weights)), typeFloat32), "set weights")
	runtime.KeepAlive(weights)
	return err
}

// Close frees the rows.
func (d *Dataset) Close() {
	if d.handle != 0 {
		d.lib.datasetFree(d.handle)
		d.handle = 0
	}
}

// Booster is a model in training, or a loaded one.
type Booster struct {
	lib    *Library
	handle uintptr
}

// NewBooster starts a model on the training rows, which must stay open until
// the booster is closed.
func (l *Library) NewBooster(train *Dataset, params string) (*Booster, error) {
	b := &Booster{lib: l}
	if err := l.check(l.boosterCreate(train.handle, params, &b.handle), "create booster"); err != nil {
		return nil, err
	}
	return b, nil
}

// LoadBooster reads the text of a model, as LightGBM wrote it.
func (l *Library) LoadBooster(model string) (*Booster, error) {
	b := &Booster{lib: l}
	var iterations int32
	if err := l.check(l.boosterLoad(model, &iterations, &b.handle), "load model"); err != nil {
		return nil, err
	}
	return b, nil
}

// Close frees the model.
func (b *Booster) Close() {
	if b.handle != 0 {
		b.lib.boosterFree(b.handle)
		b.handle = 0
	}
}

// Validate adds rows whose metric Metric reports after each round.
func (b *Booster) Validate(valid *Dataset) error {
	return b.lib.check(b.lib.boosterAddValid(b.handle, valid.handle), "add validation rows")
}

// Round adds one tree a class. It says whether LightGBM found nothing to split any more.
func (b *Booster) Round() (finished bool, err error) {
	var done int32
	err = b.lib.check(b.lib.boosterUpdate(b.handle, &done), "train a round")
	return done != 0, err
}

// Metric is the booster's (only) metric on validation set i, counted from 0.
func (b *Booster) Metric(i int) (float64, error) {
	var n int32
	out := make([]float64, 8)
	err := b.lib.check(b.lib.boosterEval(b.handle, int32(i+1), &n, pointer(out)), "evaluate")
	return out[0], err
}

// Text is the model's text with its first rounds rounds; 0 means all.
func (b *Booster) Text(rounds int) (string, error) {
	var need int64
	if rounds <= 0 {
		rounds = -1
	}
	if err := b.lib.check(b.lib.boosterToString(b.handle, 0, int32(rounds), 0, 0, &need, nil), "measure model"); err != nil {
		return "", err
	}
	buf := make([]byte, need)
	if err := b.lib.check(b.lib.boosterToString(b.handle, 0, int32(rounds), 0, need, &need, pointer(buf)), "write model"); err != nil {
		return "", err
	}
	return strings.TrimRight(string(buf), "\x00"), nil
}

// Predict returns classes probabilities a row.
func (b *Booster) Predict(rows *Rows, classes int, params string) ([]float64, error) {
	return b.PredictRounds(rows, classes, -1, params)
}

// PredictRounds is Predict by the first trees alone, those of so many rounds; -1
// means all.
func (b *Booster) PredictRounds(rows *Rows, classes, rounds int, params string) ([]float64, error) {
	return b.predict(rows, predictNormal, rounds, classes, params)
}

// Contributions returns, for each row and class, what each column contributes to
// the raw score, and last the base that they add up from.
func (b *Booster) Contributions(rows *Rows, classes int, params string) ([]float64, error) {
	return b.predict(rows, predictContributions, -1, classes*(rows.Width+1), params)
}

// predict returns a number of values a row.
func (b *Booster) predict(rows *Rows, kind int32, rounds, values int, params string) ([]float64, error) {
	out := make([]float64, rows.Len()*values)
	var n int64
	p, c, v := rows.pointers()
	err := b.lib.check(b.lib.boosterPredict(b.handle, p, typeInt64, c, v, typeFloat64, int64(len(rows.Start)), int64(len(rows.Values)), int64(rows.Width), kind, 0, int32(rounds), params, &n, pointer(out)), "predict")
	runtime.KeepAlive(rows)
	if err != nil {
		return nil, err
	}
	if int(n) != len(out) {
		return nil, fmt.Errorf("LightGBM: predicted %d numbers, expected %d", n, len(out))
	}
	return out, nil
}
