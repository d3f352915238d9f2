import Chart from 'chart.js/auto';
import sumBy from 'lodash-es/sumBy';
import '../css/app.css';

const canvas = document.querySelector('#usage');
const usage = [{ day: 'Mon', calls: 120 }, { day: 'Tue', calls: 180 }, { day: 'Wed', calls: 90 }];
if (canvas) {
  canvas.title = `${sumBy(usage, 'calls')} calls`;
  new Chart(canvas, {
    type: 'bar',
    data: { labels: usage.map(({ day }) => day), datasets: [{ data: usage.map(({ calls }) => calls) }] },
  });
}
