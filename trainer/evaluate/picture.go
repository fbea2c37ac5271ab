package evaluate

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"complaints/schema"
)

// confusionGrid shows each true category's row as shares of 1, the first on top.
type confusionGrid [schema.NumCategories][schema.NumCategories]float64

func (g confusionGrid) Dims() (c, r int) { return schema.NumCategories, schema.NumCategories }
func (g confusionGrid) Z(c, r int) float64 {
	return g[schema.NumCategories-1-r][c]
}
func (g confusionGrid) X(c int) float64 { return float64(c) }
func (g confusionGrid) Y(r int) float64 { return float64(r) }

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
	var grid confusionGrid
	var cells plotter.XYLabels
	names := make([]string, schema.NumCategories)
	down := make([]string, schema.NumCategories)
	for i := range grid {
		for j, n := range e.Confusion[i] {
			grid[i][j] = Ratio(float64(n), float64(e.Classes[i].Rows))
			cells.XYs = append(cells.XYs, plotter.XY{X: float64(j), Y: float64(schema.NumCategories - 1 - i)})
			cells.Labels = append(cells.Labels, fmt.Sprint(n))
		}
		names[i] = e.Classes[i].Name
		down[schema.NumCategories-1-i] = e.Classes[i].Name
	}
	heat := plotter.NewHeatMap(grid, blues{})
	heat.Min, heat.Max = 0, 1
	labels, err := plotter.NewLabels(cells)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].XAlign, labels.TextStyle[i].YAlign = -0.5, -0.4
		if grid[i/schema.NumCategories][i%schema.NumCategories] > 0.5 {
			labels.TextStyle[i].Color = color.White
		}
	}
	p.Add(heat, labels)
	p.NominalX(names...)
	p.NominalY(down...)
	w, err := p.WriterTo(26*vg.Centimeter, 18*vg.Centimeter, "png")
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	_, err = w.WriteTo(&file)
	return file.Bytes(), err
}
