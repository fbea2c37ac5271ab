package evaluate

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// confusionGrid shows each true category's row as shares of 1, the first on top.
type confusionGrid [][]float64

func (g confusionGrid) Dims() (c, r int)   { return len(g), len(g) }
func (g confusionGrid) Z(c, r int) float64 { return g[len(g)-1-r][c] }
func (g confusionGrid) X(c int) float64    { return float64(c) }
func (g confusionGrid) Y(r int) float64    { return float64(r) }

// manyCategories is how many stand side by side without more room.
const manyCategories = 8

// cellLabel is the number in a cell. Where there are many, zeros would hide the others.
func cellLabel(rows, categories int) string {
	if rows == 0 && categories > manyCategories {
		return ""
	}
	return strconv.Itoa(rows)
}

func cellFont(categories int) vg.Length {
	if categories > manyCategories {
		return vg.Points(8)
	}
	return vg.Points(10)
}

// blues goes from white to a dark blue.
type blues struct{}

func (blues) Colors() []color.Color {
	const n = 64
	out := make([]color.Color, n)
	for i := range out {
		t := float64(i) / (n - 1)
		out[i] = color.RGBA{R: uint8(250 - 225*t), G: uint8(251 - 170*t), B: uint8(253 - 100*t), A: 255}
	}
	return out
}

// WritePicture writes confusion_matrix.png.
func WritePicture(dir string, e Result) error {
	picture, err := Picture(e)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "confusion_matrix.png"), picture, 0o644)
}

// Picture is the confusion matrix as PNG.
func Picture(e Result) ([]byte, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d rows, accuracy %.3f, macro F1 %.3f", e.Rows, e.Accuracy, e.MacroF1)
	p.X.Label.Text, p.Y.Label.Text = "predicted", "true"
	n := len(e.Classes)
	grid := make(confusionGrid, n)
	var cells plotter.XYLabels
	names, down := make([]string, n), make([]string, n)
	for i := range grid {
		grid[i] = make([]float64, n)
		for j, rows := range e.Confusion[i] {
			grid[i][j] = Ratio(float64(rows), float64(e.Classes[i].Rows))
			cells.XYs = append(cells.XYs, plotter.XY{X: float64(j), Y: float64(n - 1 - i)})
			cells.Labels = append(cells.Labels, cellLabel(rows, n))
		}
		names[i] = e.Classes[i].Name
		down[n-1-i] = e.Classes[i].Name
	}
	heat := plotter.NewHeatMap(grid, blues{})
	heat.Min, heat.Max = 0, 1
	labels, err := plotter.NewLabels(cells)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].XAlign, labels.TextStyle[i].YAlign = -0.5, -0.4
		labels.TextStyle[i].Font.Size = cellFont(n)
		if grid[i/n][i%n] > 0.5 {
			labels.TextStyle[i].Color = color.White
		}
	}
	p.Add(heat, labels)
	p.NominalX(names...)
	p.NominalY(down...)
	if n > manyCategories { // their names would run into each other
		p.X.Tick.Label.Rotation = math.Pi / 3
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	}
	side := vg.Length(max(n-manyCategories, 0)) * vg.Centimeter
	w, err := p.WriterTo(26*vg.Centimeter+side, 18*vg.Centimeter+side, "png")
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	_, err = w.WriteTo(&file)
	return file.Bytes(), err
}
